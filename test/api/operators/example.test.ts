import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TokenRole } from '../../../src/core/principals.ts';
import { startServer, type TestServer } from '../harness.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

const script = fileURLToPath(new URL('../../../examples/actions/propose.mjs', import.meta.url));

let dir: string;
let server: TestServer;
let tunnel: Tunnel;
/** A public address that a program finds without being told where. */
const url = () => `https://localhost:${tunnel.port}`;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-actions-'));
  server = await startServer({ dir, keep: true, publicUrl: url });
  tunnel = await openTunnel({ to: () => server.host.port, dir });
});
afterAll(async () => {
  await tunnel?.close();
  await server?.dispose();
  await rm(dir, { recursive: true, force: true });
});

async function propose(role: TokenRole, prompt: string) {
  const env = {
    ...process.env,
    ...{ GIMO_URL: url(), GIMO_TOKEN: server.host.token(role) },
    NODE_EXTRA_CA_CERTS: tunnel.certificate,
  };
  const child = spawn(process.execPath, [script, prompt], { env });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const lines = out.split('\n').filter((line) => line !== '');
  return { code, err, said: lines.map((line): unknown => JSON.parse(line)) };
}

it('examples/actions proposes through a tunnel, once, and is refused to approve', async () => {
  const first = await propose('agent', 'From the example');
  expect(first).toMatchObject({
    ...{ code: 0, err: '' },
    said: [
      { url: `${url()}/actions` },
      { status: 'draft', approved_id: null },
      { approve: 403, code: 'role_required' },
    ],
  });
  expect(await propose('agent', 'From the example')).toEqual(first);
  const drafts = await server.request('GET', '/ops/drafts', { role: 'actions' });
  expect(drafts.body).toMatchObject([
    { prompt: 'From the example', source: 'api', status: 'draft' },
  ]);
});

it('examples/actions says why it was refused', async () => {
  const { code, err } = await propose('actions', 'Not allowed');
  expect(code).toBe(1);
  expect(err).toBe('The token may not call createDraft.\n');
});

it('examples/actions goes no further with a token that may approve', async () => {
  const { code, err } = await propose('admin', 'Too much');
  expect(code).toBe(1);
  expect(err).toMatch(/may approve\. Give an agent one of its own role/);
});
