/*
 * Proposes work to GIMO over the Model Context Protocol, as any agent would.
 *
 *   npm install @modelcontextprotocol/client
 *   GIMO_URL=http://127.0.0.1:9325 GIMO_MCP_TOKEN=… node propose.mjs "Rename the helper"
 *
 * The token of the role `agent` is enough ("GIMO: Copy Token"). Prints a JSON line for each thing it learned.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const { GIMO_URL = 'http://127.0.0.1:9325', GIMO_MCP_TOKEN } = process.env;
const prompt = process.argv[2];
if (GIMO_MCP_TOKEN === undefined || prompt === undefined) {
  console.error('Usage: GIMO_MCP_TOKEN=… node propose.mjs "What should be done"');
  process.exit(2);
}

const client = new Client(
  { name: 'gimo-example', version: '1.0.0' },
  // Speaks the current version where the server does, and the one before where it does not.
  { versionNegotiation: { mode: 'auto' } },
);
await client.connect(
  new StreamableHTTPClientTransport(new URL('/mcp', GIMO_URL), {
    requestInit: { headers: { Authorization: `Bearer ${GIMO_MCP_TOKEN}` } },
  }),
);
try {
  const { tools } = await client.listTools();
  print({ protocol: client.getNegotiatedProtocolVersion(), tools: tools.map(({ name }) => name) });

  const { id } = await call('create_draft', {
    prompt,
    content: 'How I would do it, so that a person can decide.',
    // Asking again with the same key does not make a second draft.
    idempotency_key: `example-${prompt}`,
  });
  // A person approves or rejects it in GIMO; until then the status is `draft`.
  const { status, approved_id } = await call('get_draft', { draft_id: id });
  print({ id, status, approved_id });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await client.close();
}

/** What a tool answers. A refusal says in its text what is wrong, and its code. */
async function call(name, args) {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: args });
  if (isError) throw new Error(content.map(({ text }) => text).join('\n'));
  return structuredContent;
}

function print(value) {
  console.log(JSON.stringify(value));
}
