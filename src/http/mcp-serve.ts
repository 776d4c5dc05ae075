import {
  type CallToolResult,
  createMcpHandler,
  isLegacyRequest,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { allTools, type GimoTool } from './mcp-tools.ts';

/* Loaded with the first request to /mcp: the protocol, as the official SDK speaks it. */

/** What stands behind the protocol, for one caller. */
export interface Served {
  version: string;
  /** Whether the caller may call a tool: only those are listed. */
  may(tool: GimoTool): boolean;
  call(tool: GimoTool, args: Readonly<Record<string, unknown>>): Promise<CallToolResult>;
  /** Told of requests that do not fit the protocol. */
  unfit(error: Error): void;
}

const instructions = `GIMO keeps a person between a proposal and its effect.
Read what is there, and propose work with create_draft or generate_draft. Nothing of it happens before a person has approved exactly that in GIMO; no tool approves. get_draft then tells status and approved_id.
create_run starts what was approved and answers at once with the run's id. Follow it with get_run_log: pass as after what the answer before called next, until done is true.
Repository tools show only what a person lets clients read.`;

/**
 * Answers one message. Nothing is kept between requests: a client of 2026-07-28 says with each who it is, and one of
 * 2025-11-25 or before gets along without a session.
 *
 * @param request its headers; the body has been read
 */
export async function serveMcp(request: Request, body: unknown, served: Served): Promise<Response> {
  const product = () => serverFor(served);
  if (!(await isLegacyRequest(request, body)))
    return createMcpHandler(product, { legacy: 'reject', onerror: served.unfit }).fetch(request, {
      parsedBody: body,
    });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  const server = product();
  server.onerror = served.unfit;
  try {
    await server.connect(transport);
    return await transport.handleRequest(request, { parsedBody: body });
  } finally {
    await server.close();
  }
}

function serverFor({ version, may, call }: Served): Server {
  const server = new Server(
    { name: 'gimo', title: 'GIMO', version },
    { capabilities: { tools: {} }, instructions },
  );
  server.setRequestHandler('tools/list', () => ({
    tools: [...allTools().values()].filter(may).map(({ id: _id, ...tool }) => tool),
  }));
  server.setRequestHandler('tools/call', ({ params }) => {
    const tool = allTools().get(params.name);
    if (tool === undefined)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        'There is no tool of this name. tools/list tells which there are.',
      );
    return call(tool, params.arguments ?? {});
  });
  return server;
}
