import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, onTestFinished } from 'vitest';
import type { TokenRole } from '../../../src/core/principals.ts';
import type { Reply, TestServer } from '../harness.ts';

/** The current version of the protocol, and the one before, which opens with a handshake. */
export const versions = ['2026-07-28', '2025-11-25'] as const;
export type Version = (typeof versions)[number];

/** The official client over real HTTP, as a program of theirs would use it. Closed when the test has finished. */
export async function connect(
  server: TestServer,
  role: TokenRole,
  version: Version = versions[0],
): Promise<Client> {
  const client = new Client(
    { name: 'gimo-test', version: '0.0.0' },
    version === versions[0] ? { versionNegotiation: { mode: { pin: version } } } : {},
  );
  const transport = new StreamableHTTPClientTransport(new URL(`${server.host.url}/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${server.host.token(role)}` } },
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return client;
}

/** What a tool said, as text. */
export function textOf(result: Awaited<ReturnType<Client['callTool']>>): string {
  return result.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** Calls a tool that must not be refused, and gives what it answered as data. */
export async function done(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args });
  expect(result.isError, textOf(result)).toBeFalsy();
  return Object(result.structuredContent);
}

/** A message as a client of this version sends it. */
export function message(
  version: Version,
  method: string,
  params: Record<string, unknown> = {},
): { body: object; headers: Record<string, string> } {
  const modern = version === versions[0];
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
  };
  const named = typeof params.name === 'string' ? { 'mcp-name': params.name } : {};
  return {
    body: { jsonrpc: '2.0', id: 7, method, params: modern ? { ...params, _meta } : params },
    headers: {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      ...(modern ? { 'mcp-method': method, ...named } : {}),
    },
  };
}

/** Sends a message as it would be typed by hand. */
export function post(
  server: TestServer,
  role: TokenRole,
  { body, headers }: { body: unknown; headers?: Record<string, string> },
): Promise<Reply> {
  const accept = 'application/json, text/event-stream';
  return server.request('POST', '/mcp', { role, body, headers: { accept, ...headers } });
}
