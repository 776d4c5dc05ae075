import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { TokenRole } from '../../../src/core/principals.ts';
import { startServer, type TestServer } from '../harness.ts';

const script = fileURLToPath(new URL('../../../examples/mcp/propose.mjs', import.meta.url));

async function propose(server: TestServer, role: TokenRole, prompt: string) {
  const env = {
    ...process.env,
    GIMO_URL: server.host.url,
    GIMO_MCP_TOKEN: server.host.token(role),
  };
  const child = spawn(process.execPath, [script, prompt], { env });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const lines = out.split('\n').filter((line) => line !== '');
  return { code, err, said: lines.map((line): unknown => JSON.parse(line)) };
}

it('the example proposes a draft, and does it once', async () => {
  const server = await startServer();
  const first = await propose(server, 'agent', 'From the example');
  expect(first).toMatchObject({
    ...{ code: 0, err: '' },
    said: [{ protocol: '2026-07-28' }, { status: 'draft', approved_id: null }],
  });
  expect(await propose(server, 'agent', 'From the example')).toEqual(first);
  const drafts = await server.request('GET', '/ops/drafts', { role: 'actions' });
  expect(drafts.body).toMatchObject([{ prompt: 'From the example', source: 'mcp' }]);
});

it('the example says why it was refused', async () => {
  const server = await startServer();
  const { code, err } = await propose(server, 'actions', 'Not allowed');
  expect(code).toBe(1);
  expect(err).toMatch(/^code: role_required$/m);
});
