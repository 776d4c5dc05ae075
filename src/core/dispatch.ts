import type { z } from 'zod';
import { type ErrorCode, GimoError, type Issue, validationError } from '../contract/errors.ts';
import type { ChangeType } from '../contract/events.ts';
import { jsonIssues } from '../contract/json.ts';
import { type Answer, placeOf } from '../contract/operation.ts';
import { type In, type Operation, type OpId, type Out, table } from '../contract/operations.ts';
import { type DraftSource, IdempotencyKey } from '../contract/records.ts';
import type { Act, Audit } from './audit.ts';
import { canonical, etagOf } from './digest.ts';
import type { Events } from './events.ts';
import type { Call, Handlers, MutationHandler, ReadHandler, Result } from './handlers.ts';
import type { Idempotency, Keep } from './idempotency.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Locks } from './locks.ts';
import type { Panic } from './panic.ts';
import type { Principal } from './principals.ts';
import { mayCallNow } from './rights.ts';
import type { Settings } from './settings.ts';

/** Who calls, and what came with the call beside its input. */
export interface Caller {
  principal: Principal;
  correlationId: string;
  source: DraftSource;
  ifMatch?: string | undefined;
  /** Names an attempt to create something; `idempotency_key` in the input says the same. */
  idempotencyKey?: string | undefined;
  /** Which fields came in the query, so that an issue of a POST or PUT can say where it stands. */
  inQuery?: ReadonlySet<string>;
}

/**
 * The one gate. Role, schema, preconditions, audit of the intent (synced), effect, audit of the outcome, event: in
 * this order, for every caller. There is no second way to the store.
 *
 * @param raw the input as it came, one flat object
 * @throws GimoError with a code of the closed list
 */
export type Dispatch = <K extends OpId>(
  id: K,
  raw: unknown,
  caller: Caller,
) => Promise<Answer<Out[K]>>;

export interface Gate {
  dispatch: Dispatch;
  /**
   * Throws `lockdown` or `role_required` unless the principal may call the operation now; so that http can ask before it
   * reads a body.
   */
  requireRole(id: OpId, principal: Principal): void;
}

/** Refusals that are worth a line of their own: something is not what was approved, somebody may have tampered with it. */
const suspect: ReadonlySet<ErrorCode> = new Set([
  ...(['approval_invalid', 'approval_consumed', 'approval_expired'] as const),
  ...(['stale', 'step_unsupported'] as const),
]);

export function createGate(ports: {
  handlers: Handlers;
  settings: Settings;
  audit: Audit;
  events: Events;
  ledger: Pick<Ledger, 'mac'>;
  idempotency: Idempotency;
  panic: Pick<Panic, 'requireOpenTo'>;
  /** Under which operations, and what the server does of its own accord, wait for each other. */
  locks: Locks;
}): Gate {
  const { handlers, settings, audit, events, ledger, idempotency, locks, panic } = ports;

  const requireRole = (id: OpId, { role }: Principal) => {
    const operation: Operation = table[id];
    panic.requireOpenTo(operation);
    if (!mayCallNow(role, id, settings.config()))
      throw new GimoError(
        'role_required',
        `This needs the role ${operation.agent ? 'agent or ' : ''}${operation.role}; the token is of the role ${role}.`,
      );
  };

  const awaited = new Set<ChangeType>();
  /** Once for all who are waiting for it. What failed is told by whoever asks again. */
  const tellLater = ({ type, when }: NonNullable<Result<unknown>['later']>) => {
    if (awaited.has(type)) return void when.catch(() => undefined);
    awaited.add(type);
    when
      .then(
        () => events.publish({ type, id: null }),
        () => undefined,
      )
      .finally(() => awaited.delete(type));
  };

  const actOf = (id: OpId, input: object, call: Call): Act => ({
    correlationId: call.correlationId,
    actor: call.principal.actor,
    operation: id,
    target: null,
    request: ledger.mac('audit', `gimo-request-v1\n${id}\n${canonical(input)}`),
  });

  /**
   * A read. What is audited gets one entry when it is known how it ended, before anything is answered: it shares its
   * sync with whatever is being audited at the time, and what cannot be audited is not served.
   */
  const look = async <K extends OpId>(
    id: K,
    handler: ReadHandler<K>,
    input: In[K],
    call: Call,
  ): Promise<Result<Out[K]>> => {
    if (handler.audited === undefined) return handler.read(input, call);
    const act = { ...actOf(id, input, call), target: handler.audited(input) };
    let outcome = 'internal';
    try {
      const result = await handler.read(input, call);
      outcome = 'served';
      return result;
    } catch (error) {
      if (GimoError.is(error)) outcome = error.code;
      throw error;
    } finally {
      await audit.append(act, outcome);
    }
  };

  const mutate = async <K extends OpId>(
    id: K,
    handler: MutationHandler<K>,
    input: In[K],
    call: Call,
    keep?: Keep,
  ): Promise<Result<Out[K]>> => {
    const act = actOf(id, input, call);
    try {
      const { target, effect: bare, makes = [], asked } = await handler.prepare(input, call);
      const effect = keep === undefined || asked ? bare : () => keep(makes, bare);
      const brake = table[id].effect === 'brake';
      const success = asked ? 'asked' : 'done';
      const result = await audit.around({ ...act, target }, effect, brake, success);
      for (const change of result.changes) events.publish(change);
      result.afterwards?.();
      return asked ? { ...result, asked } : result;
    } catch (error) {
      if (GimoError.is(error) && suspect.has(error.code))
        await audit.append({ ...act, target: named(input) }, error.code);
      throw error;
    }
  };

  /** A mutation in its turn; with a key, only if it was not carried out under that key before. */
  const once = <K extends OpId>(
    id: K,
    handler: MutationHandler<K>,
    input: In[K],
    call: Call,
    key: string | undefined,
  ): Promise<Result<Out[K]>> => {
    const inTurn = (keep?: Keep) =>
      locks.run(handler.lock?.(input), () => mutate(id, handler, input, call, keep));
    if (key === undefined) return inTurn();
    const { idempotency_key: _key, ...asked }: Record<string, unknown> = input;
    const request = { ...asked, if_match: call.ifMatch ?? null };
    const replay = async (records: readonly string[]) => {
      if (handler.recall === undefined) throw new Error(`${id} creates, and cannot recall`);
      const body = await handler.recall(records, input, call);
      return body === null ? null : { body };
    };
    const { actor } = call.principal;
    return idempotency.once({ actor, operation: id, key, request }, replay, inTurn);
  };

  return {
    requireRole,
    async dispatch(id, raw, caller) {
      requireRole(id, caller.principal);
      const input = parseInput(id, raw, caller.inQuery);
      const call: Call = { ...caller, ifMatch: caller.ifMatch };
      const handler = handlers[id];
      const result =
        'read' in handler
          ? await look(id, handler, input, call)
          : await once(id, handler, input, call, keyOf(id, input, caller));
      if (result.asked) return { body: result.body, status: 202 };
      if (result.later !== undefined) tellLater(result.later);
      const operation: Operation = table[id];
      return {
        body: result.body,
        status: operation.status,
        ...(operation.etag ? { etag: etagOf(result.body) } : {}),
        ...(result.page === undefined ? {} : { page: result.page }),
      };
    },
  };
}

/**
 * The idempotency key of a call, if it has one and the operation takes one.
 * @throws GimoError `validation_error` for one of another form, or if header and body do not say the same
 */
function keyOf(id: OpId, input: object, { idempotencyKey }: Caller): string | undefined {
  const operation: Operation = table[id];
  if (operation.creates !== true) return undefined;
  const given = 'idempotency_key' in input ? IdempotencyKey.safeParse(input.idempotency_key) : null;
  const inBody = given?.data;
  if (idempotencyKey === undefined) return inBody;
  const key = IdempotencyKey.safeParse(idempotencyKey).data;
  if (key !== undefined && (inBody === undefined || inBody === key)) return key;
  const msg =
    key === undefined
      ? 'An Idempotency-Key is 1 to 255 visible ASCII characters.'
      : 'The Idempotency-Key header and idempotency_key in the body differ. Send one of them.';
  throw validationError(['body', 'idempotency_key'], msg);
}

/** The record that a request is about, as far as its input names one. */
function named(input: object): string | null {
  for (const [field, value] of Object.entries(input))
    if (field.endsWith('_id') && typeof value === 'string') return value;
  return null;
}

function parseInput<K extends OpId>(id: K, raw: unknown, inQuery?: ReadonlySet<string>): In[K] {
  const unfit = jsonIssues(raw);
  // An id that cannot be one leads nowhere; it is not a mistake in the form of a request.
  if (unfit.some(({ loc }) => placeOf(table[id], String(loc[0])) === 'path'))
    throw new GimoError('not_found', 'There is nothing with this id.');
  if (unfit.length > 0) throw invalid(id, unfit, inQuery);
  const parsed: z.ZodSafeParseResult<In[K]> = table[id].input.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 20).map((issue) => ({
    type: issue.code,
    loc: issue.path.filter((part) => typeof part !== 'symbol'),
    msg: issue.message,
  }));
  throw invalid(id, issues, inQuery);
}

/** Says where in the request each issue stands. Keys of the caller's own making are cut, and never a value is echoed. */
function invalid(id: OpId, issues: readonly Issue[], inQuery?: ReadonlySet<string>): GimoError {
  const operation: Operation = table[id];
  const placed = issues.map(({ type, loc, msg }) => {
    const [field] = loc;
    const usual = typeof field === 'string' ? placeOf(operation, field) : 'body';
    const moved = operation.method !== 'get' && !inQuery?.has(String(field));
    const place = usual === 'query' && moved ? 'body' : usual;
    const short = loc.map((part) => (typeof part === 'string' ? part.slice(0, 64) : part));
    return { type, loc: [place, ...short], msg: msg.slice(0, 300) };
  });
  return new GimoError('validation_error', 'The request does not fit.', { issues: placed });
}
