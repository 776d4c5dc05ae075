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
  page?: { total: number; next: string | null };
}

/** A read: it changes nothing, so it is neither locked nor audited. */
export interface ReadHandler<K extends OpId> {
  read(input: In[K], call: Call): Promise<Result<Out[K]>>;
}

/** What a mutation is about to do, once its preconditions hold. */
export interface Prepared<T> {
  /** The id of the record that it is about; null if it makes a new one. */
  target: string | null;
  effect(): Promise<Result<T> & { changes: readonly Change[] }>;
}

/** A mutation: preconditions first, then (between two audit entries) the effect. */
export interface MutationHandler<K extends OpId> {
  /** Calls with the same key wait for each other, preconditions included. */
  lock?(input: In[K]): string;
  prepare(input: In[K], call: Call): Promise<Prepared<Out[K]>>;
}

export type Handlers = {
  readonly [K in OpId]: ReadHandler<K> | MutationHandler<K>;
};
