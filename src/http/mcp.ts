import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Request as Incoming, Response as Outgoing, RequestHandler } from 'express';
import { GimoError } from '../contract/errors.ts';
import { mayCall } from '../contract/operation.ts';
import { type OpId, table } from '../contract/operations.ts';
import { raw } from '../contract/raw.ts';
import type { Core } from '../core/core.ts';
import type { Logger } from '../core/ports.ts';
import type { Principal } from '../core/principals.ts';
import { readBody } from './body.ts';
import { toGimoError, unexpected } from './errors.ts';
import { answerTool, refusalOf } from './mcp-answers.ts';
import type { Served } from './mcp-serve.ts';
import type { GimoTool } from './mcp-tools.ts';
import { foundOf, principalOfRequest } from './middleware.ts';

type Behind = Pick<Core, 'dispatch' | 'requireRole' | 'panic' | 'redactor'>;

/**
 * The Model Context Protocol over streamable HTTP (specification 2026-07-28, and 2025-11-25 and before for clients that
 * open with `initialize`): one message a POST, one JSON answer, no session and no stream. Who calls, how often and how
 * much is asked before, as everywhere; each tool call then passes the gate like any other.
 */
export function mcpEndpoint(
  core: Behind,
  { logger, version }: { logger: Logger; version: string },
): RequestHandler {
  return async (request, response) => {
    const principal = principalOfRequest(request);
    const { correlationId } = foundOf(request);
    const body = await bodyOf(request, response);
    const unfit = unfitness(body);
    if (unfit !== null) return answerUnfit(response, unfit);
    const { serveMcp } = await import('./mcp-serve.ts');
    const served: Served = {
      version,
      may: ({ id }) => mayList(core, id, principal),
      call: (tool, args) => callTool(core, logger, tool, args, { principal, correlationId }),
      unfit: (error) =>
        logger.log('debug', `A request to ${raw.callTools.path} does not fit: ${error.message}`, {
          correlation_id: correlationId,
        }),
    };
    await pass(await serveMcp(webRequest(request, response), body, served), response);
  };
}

/**
 * Whether a tool is told to a caller. In a lockdown, too: clients ask once, and would miss the tools when it is over.
 */
function mayList(core: Pick<Behind, 'requireRole'>, id: OpId, principal: Principal): boolean {
  if (mayCall(principal.role, table[id])) return true;
  try {
    // The configuration can give a role more than the table does.
    core.requireRole(id, principal);
    return true;
  } catch (error) {
    if (GimoError.is(error)) return false;
    throw error;
  }
}

async function callTool(
  core: Behind,
  logger: Logger,
  tool: GimoTool,
  args: Readonly<Record<string, unknown>>,
  { principal, correlationId }: { principal: Principal; correlationId: string },
): Promise<CallToolResult> {
  try {
    return await answerTool(tool, args, core, { principal, correlationId, source: 'mcp' });
  } catch (error) {
    const told = toGimoError(error) ?? (await unexpected(error, correlationId, logger, core));
    return refusalOf(told, correlationId);
  }
}

/** The body; undefined if it is no JSON. What is too large or of another type is refused as everywhere. */
async function bodyOf(request: Incoming, response: Outgoing): Promise<unknown> {
  try {
    await readBody(request, response, () => undefined);
    return request.body;
  } catch (error) {
    if (GimoError.is(error, 'validation_error')) return undefined;
    throw error;
  }
}

/** An error of JSON-RPC 2.0 (section 5.1), and the HTTP status that goes with it. */
interface Unfit {
  status: number;
  code: number;
  message: string;
  id: string | number | null;
}

/** What is wrong with a message before the protocol looks at it; null if nothing is. */
function unfitness(body: unknown): Unfit | null {
  if (body === undefined)
    return { status: 400, code: -32700, message: 'The body is no JSON in UTF-8.', id: null };
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return {
      // Batches are not of the protocol since 2025-06-18, and many calls would count as one.
      ...{ status: 400, code: -32600, id: null },
      message: 'Send one JSON-RPC message in a request.',
    };
  if ('method' in body && body.method === 'subscriptions/listen')
    return {
      ...{ status: 404, code: -32601, id: idOf(body) },
      message: 'This server has nothing to subscribe to: its tools stay the same.',
    };
  return null;
}

function idOf(body: object): string | number | null {
  const id = 'id' in body ? body.id : null;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function answerUnfit(response: Outgoing, { status, code, message, id }: Unfit) {
  response.status(status).json({ jsonrpc: '2.0', id, error: { code, message } });
}

/** Headers that the protocol asks for. The token is not among them: who calls has been settled. */
const passedOn = ['accept', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name'];

/** The request as the SDK takes it; aborted when the caller goes away. */
function webRequest(request: Incoming, response: Outgoing): Request {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const headers = passedOn.flatMap((name) => {
    const value = request.get(name);
    return value === undefined ? [] : [[name, value] satisfies [string, string]];
  });
  const url = `http://127.0.0.1${raw.callTools.path}`;
  return new Request(url, { method: 'POST', headers, signal: gone.signal });
}

async function pass(answer: Response, response: Outgoing): Promise<void> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (response.destroyed) return;
  const type = answer.headers.get('content-type');
  if (type !== null) response.set('Content-Type', type);
  response.status(answer.status).end(bytes);
}
