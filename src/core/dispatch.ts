import type { z } from 'zod';
import { GimoError, type Issue } from '../contract/errors.ts';
import { jsonIssues } from '../contract/json.ts';
import { type Answer, mayCall, placeOf } from '../contract/operation.ts';
import { type In, type Operation, type OpId, type Out, table } from '../contract/operations.ts';
import type { DraftSource } from '../contract/records.ts';
import type { Act, Audit } from './audit.ts';
import { canonical, etagOf } from './digest.ts';
import type { Events } from './events.ts';
import type { Call, Handlers, MutationHandler, Result } from './handlers.ts';
import { createLocks } from './locks.ts';
import type { Ledger } from './ports.ts';
import type { Principal } from './principals.ts';
import type { Settings } from './settings.ts';

/** Who calls, and what came with the call beside its input. */
export interface Caller {
  principal: Principal;
  correlationId: string;
  source: DraftSource;
  ifMatch?: string | undefined;
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
  /** Throws `role_required` unless the principal may call the operation; so that http can ask before it reads a body. */
  requireRole(id: OpId, principal: Principal): void;
}

export function createGate(ports: {
  handlers: Handlers;
  settings: Settings;
  audit: Audit;
  events: Events;
  ledger: Pick<Ledger, 'mac'>;
}): Gate {
  const { handlers, settings, audit, events, ledger } = ports;
  const locks = createLocks();

  const requireRole = (id: OpId, { role }: Principal) => {
    const operation: Operation = table[id];
    const allowed =
      mayCall(role, operation) ||
      (role === 'operator' && id === 'generateDraft' && settings.config().operator_can_generate);
    if (!allowed)
      throw new GimoError(
        'role_required',
        `This needs the role ${operation.role}; the token is of the role ${role}.`,
      );
  };

  const mutate = async <K extends OpId>(
    id: K,
    handler: MutationHandler<K>,
    input: In[K],
    call: Call,
  ): Promise<Result<Out[K]>> => {
    const act: Act = {
      correlationId: call.correlationId,
      actor: call.principal.actor,
      operation: id,
      target: null,
      request: ledger.mac('audit', `gimo-request-v1\n${id}\n${canonical(input)}`),
    };
    try {
      const { target, effect } = await handler.prepare(input, call);
      const brake = table[id].effect === 'brake';
      const result = await audit.around({ ...act, target }, effect, brake);
      for (const change of result.changes) events.publish(change);
      return result;
    } catch (error) {
      // An approval that does not hold is worth a line of its own: somebody may have tampered with it.
      if (GimoError.is(error, 'approval_invalid'))
        await audit.append({ ...act, target: named(input) }, error.code);
      throw error;
    }
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
          ? await handler.read(input, call)
          : await locks.run(handler.lock?.(input), () => mutate(id, handler, input, call));
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
