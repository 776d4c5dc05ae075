import { z } from 'zod';
import type { errorStatus } from './errors.ts';

/* What every row of the operation table says, and what can be told from a row alone. */

export const roles = ['actions', 'agent', 'operator', 'admin', 'editor'] as const;
/** Who a caller is. `actions < operator < admin` is a ladder; `agent` stands beside it; `editor` is a person there. */
export type Role = (typeof roles)[number];

type Names<P extends string> = P extends `${string}{${infer N}}${infer R}` ? N | Names<R> : never;

/** What a refusal can be answered with: the status of its code, or 400 where the Python service said so. */
export type RefusalStatus = 400 | (typeof errorStatus)[keyof typeof errorStatus];

/** Where an input field is looked for in an HTTP request. */
export type Place = 'path' | 'query' | 'body';

export interface Row<
  P extends string,
  I extends z.ZodObject,
  O extends z.ZodType,
  A extends true = never,
> {
  method: 'get' | 'post' | 'put';
  /** `{name}` places an input field in the path. */
  path: [Names<P>] extends [keyof z.input<I>] ? P : never;
  /** The least role of the ladder that may call it. */
  role: 'actions' | 'operator' | 'admin';
  /** Whether `agent` may call it although the role says otherwise. */
  agent?: true;
  /** One flat object; fields that it does not name are ignored. */
  input: I;
  /** Fields of a POST or PUT that are also looked for in the query (there first). */
  query?: readonly (keyof z.input<I> & string)[];
  output: O;
  status: 200 | 201;
  summary: string;
  /** What is to be known beside the summary; up to 300 characters, as ChatGPT Actions takes it. */
  description?: string;
  /**
   * `read` changes nothing. `mutation` is audited before and after, and does not happen if it cannot be. A `brake`
   * acts first and is audited if it can be.
   */
  effect: 'read' | 'mutation' | 'brake';
  /** May be called in a lockdown, too. Reads may in any case. */
  inLockdown?: true;
  /** Makes a record: takes an idempotency key, so that asking again does not make another. */
  creates?: true;
  /**
   * May be answered with 202 and {@link Pending} instead: it needs a person, who is asked in the editor that hosts the
   * server.
   */
  asks?: A;
  /** Answers one record, with an ETag over the whole of it. */
  etag?: true;
  /** Answers plain text instead of JSON; the output is a string. */
  text?: true;
  /** Heeds an `If-Match` header: 412 if the record is not what the caller saw. */
  ifMatch?: true;
  /** Statuses of refusals that this operation has beside those of its kind; see `errorStatuses` in openapi.ts. */
  refusals?: readonly RefusalStatus[];
  /** Offered to ChatGPT Actions. */
  actions: boolean;
  /** Offered as an MCP tool. */
  mcp: boolean;
}

/** The body of a 202: nothing has happened yet, a person is asked in the editor. */
export const Pending = z.object({ pending: z.literal('editor') });
export type Pending = z.infer<typeof Pending>;

/** Checks a row, and keeps its types. */
export const op = <
  const P extends string,
  I extends z.ZodObject,
  O extends z.ZodType,
  A extends true = never,
>(
  row: { path: P } & Row<P, I, O, A>,
) => row;

/** What of a row tells who may call it, and where its fields stand. */
type Access = Pick<AnyRow, 'role' | 'agent'>;
type Shape = Pick<AnyRow, 'method' | 'path' | 'query'>;
interface AnyRow {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly role: 'actions' | 'operator' | 'admin';
  readonly agent?: true;
  readonly query?: readonly string[];
}

/**
 * Tells whether a role may call an operation.
 *
 * `admin` may do all that `operator` may, `operator` all that `actions` may; `editor` is a person and may do what
 * `admin` may; `agent` reads what `actions` reads and may propose, nothing else.
 */
export function mayCall(role: Role, operation: Access): boolean {
  if (role === 'agent') return operation.role === 'actions' || operation.agent === true;
  const rank = { actions: 0, operator: 1, admin: 2, editor: 2 } as const;
  return rank[role] >= rank[operation.role];
}

/** Where a field of an operation's input is looked for first: in the path, the query or the body. */
export function placeOf(operation: Shape, field: string): Place {
  if (operation.path.includes(`{${field}}`)) return 'path';
  if (operation.method === 'get' || operation.query?.includes(field) === true) return 'query';
  return 'body';
}

/** What comes with the body of an answer. */
export interface Answer<T> {
  body: T;
  status: number;
  /** Strong entity tag (RFC 9110, section 8.8.3), quoted. */
  etag?: string;
  /** For a list: how many records match in all (null: not counted yet), and the cursor of the next page. */
  page?: { total: number | null; next: string | null };
}

/** What an operation may be called with, beside its input. */
export interface CallOptions {
  /** An entity tag, quoted, that the record must still have. */
  ifMatch?: string;
  /** For an operation that creates: names the attempt, so that trying again does nothing twice. */
  idempotencyKey?: string;
  correlationId?: string;
  signal?: AbortSignal;
}
