import type { ChangeType } from '../contract/events.ts';
import type { Answer } from '../contract/operation.ts';
import type { In, OpId, Out } from '../contract/operations.ts';
import type { DraftSource } from '../contract/records.ts';
import type { Change } from './events.ts';
import type { Principal } from './principals.ts';

/** One call that has passed the role check and the schema. */
export interface Call {
  principal: Principal;
  correlationId: string;
  source: DraftSource;
  /** The entity tag that the caller demands, quoted; undefined if it demands none. */
  ifMatch: string | undefined;
}

export interface Result<T> {
  body: T;
  /** A person was asked, and nothing has happened yet: a 202. */
  asked?: true;
  page?: Answer<unknown>['page'];
  /** Something that the answer could not tell yet: everybody is told of a change of this type once it is known. */
  later?: { type: ChangeType; when: Promise<unknown> };
}

/** A read: it changes nothing, so it is not locked, and audited only if it says of what. */
export interface ReadHandler<K extends OpId> {
  read(input: In[K], call: Call): Promise<Result<Out[K]>>;
  /** Of a read that is audited: what it is about, with nothing secret in it. */
  audited?(input: In[K]): string | null;
}

/** What a mutation has done. */
export interface Done<T> extends Result<T> {
  changes: readonly Change[];
  /** Called once the act is audited to its end: for what ends the server that the caller still waits for. */
  afterwards?: () => void;
}

/** What a mutation is about to do, once its preconditions hold. */
export interface Prepared<T> {
  /** The id of the record that it is about; null if it makes a new one. */
  target: string | null;
  /**
   * The ids of the records that the effect makes, the one that decides whether it happened first: they are noted before
   * it, under the idempotency key if the call has one.
   */
  makes?: readonly string[];
  /** The effect only asks a person. Nothing is kept of it: a repeated call is answered with what is true by then. */
  asked?: true;
  effect(): Promise<Done<T>>;
}

/** A mutation: preconditions first, then (between two audit entries) the effect. */
export interface MutationHandler<K extends OpId> {
  /** Calls with the same key wait for each other, preconditions included. */
  lock?(input: In[K]): string;
  prepare(input: In[K], call: Call): Promise<Prepared<Out[K]>>;
  /**
   * Of an operation that creates: what a repeated call is answered, from the records as they are now.
   * @param records the ids that `makes` told
   * @returns null if they are gone
   */
  recall?(records: readonly string[], input: In[K], call: Call): Promise<Out[K] | null>;
}

export type Handlers = {
  readonly [K in OpId]: ReadHandler<K> | MutationHandler<K>;
};
