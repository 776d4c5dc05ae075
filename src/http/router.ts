import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Answer } from '../contract/operation.ts';
import { type Operation, type OpId, opIds, table } from '../contract/operations.ts';
import type { DraftSource } from '../contract/records.ts';
import type { Caller, Gate } from '../core/dispatch.ts';
import type { Principal } from '../core/principals.ts';
import { readBody } from './body.ts';
import { takesOnly } from './errors.ts';
import { fitRecord, fitText, fitting } from './fit.ts';
import { foundOf, principalOfRequest } from './middleware.ts';
import { inputReader } from './query.ts';
import { queryOf, tagMatches } from './rules.ts';

/**
 * One express route for each row of the operation table.
 *
 * @param client `actions`: only what is offered to ChatGPT Actions, and answers of a length that their clients take
 */
export function operationsRouter(gate: Gate, client?: 'actions'): Router {
  const router = Router({ caseSensitive: true });
  const ids = opIds.filter((id) => client === undefined || table[id].actions);
  for (const id of ids) {
    const operation: Operation = table[id];
    const roleFirst: RequestHandler = (request, _response, next) => {
      gate.requireRole(id, principalOfRequest(request));
      next();
    };
    const steps = operation.method === 'get' ? [roleFirst] : [roleFirst, readBody];
    const dispatch = client === undefined ? gate.dispatch : shortly(gate.dispatch);
    router[operation.method](expressPath(id), ...steps, operate(dispatch, id));
  }
  for (const [path, methods] of methodsByPath(ids)) router.all(path, takesOnly(...methods));
  return router;
}

/** An operation's path, with its places as express writes them. */
const expressPath = (id: OpId) => table[id].path.replaceAll(/\{(\w+)\}/g, ':$1');

function methodsByPath(ids: readonly OpId[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const id of ids) {
    const path = expressPath(id);
    methods.set(path, [...(methods.get(path) ?? []), table[id].method.toUpperCase()]);
  }
  return methods;
}

type Send = (id: OpId, input: unknown, caller: Caller) => Promise<Answer<unknown>>;

/** Dispatches, and answers what fits; of a list as many records as fit, with the cursor that goes with them. */
const shortly =
  (dispatch: Gate['dispatch']): Send =>
  async (id, input, caller) => {
    const answer = await dispatch(id, input, caller);
    const { body, etag: _etag, ...rest } = answer;
    if (typeof body === 'string') return { ...answer, body: fitText(body) };
    const most = Array.isArray(body) ? fitting(body) : 0;
    if (!Array.isArray(body) || answer.page === undefined || most >= body.length) {
      const fit = fitRecord(body);
      // The tag of a record approves it: nobody gets one for what they have not seen whole.
      return fit === body ? answer : { ...rest, body: fit };
    }
    const again = await dispatch(id, { ...Object(input), limit: most }, caller);
    return { ...again, body: fitRecord(again.body) };
  };

function operate(dispatch: Send, id: OpId): RequestHandler {
  const read = inputReader(id);
  return async (request, response) => {
    const { correlationId } = foundOf(request);
    const principal = principalOfRequest(request);
    const query = queryOf(request.originalUrl);
    const answer = await dispatch(id, read(query, pathOf(request), request.body), {
      principal,
      correlationId,
      source: sourceOf(principal, request.get('x-gimo-source')),
      ifMatch: request.get('if-match'),
      idempotencyKey: request.get('idempotency-key'),
      inQuery: new Set(query.keys()),
    });
    send(request, response, answer, table[id]);
  };
}

/** A window of an editor is one also where it is attached; that it is the command line a program only says. */
function sourceOf({ role }: Principal, header: string | undefined): DraftSource {
  if (role === 'editor') return 'editor';
  return header === 'cli' ? 'cli' : 'api';
}

function pathOf(request: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.params).map(([name, value]) => [name, String(value)]),
  );
}

function send(
  request: Request,
  response: Response,
  answer: Answer<unknown>,
  operation: Pick<Operation, 'text' | 'input'>,
) {
  if (answer.etag !== undefined) {
    response.set('ETag', answer.etag);
    if (
      ['GET', 'HEAD'].includes(request.method) &&
      tagMatches(request.get('if-none-match'), answer.etag)
    ) {
      response.status(304).end();
      return;
    }
  }
  if (answer.page !== undefined) {
    if (answer.page.total !== null) response.set('X-Total-Count', String(answer.page.total));
    if (answer.page.next !== null)
      response.set('Link', `<${nextUrl(request, operation, answer.page.next)}>; rel="next"`);
  }
  response.status(answer.status);
  if (operation.text) response.type('text/plain; charset=utf-8').send(String(answer.body));
  else response.json(answer.body);
}

/**
 * The same list, from the cursor on. Relative, so that it holds behind a tunnel too (RFC 8288, section 3.1). What the
 * operation does not ask for is left out: it may be anything.
 */
function nextUrl(request: Request, { input }: Pick<Operation, 'input'>, cursor: string): string {
  const query = new URLSearchParams(
    [...queryOf(request.originalUrl)].filter(([name]) => Object.hasOwn(input.shape, name)),
  );
  query.set('cursor', cursor);
  return `${request.baseUrl}${request.path}?${query}`;
}
