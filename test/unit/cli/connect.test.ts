import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { proofText } from '../../../src/contract/proof.ts';
import { gimo } from './gimo.ts';
import { mac, refuse, startWire, token, type Wire } from './wire.ts';

let wire: Wire | undefined;
afterEach(async () => {
  await wire?.close();
  wire = undefined;
});

describe('the proof', () => {
  const wrong: Record<string, (nonce: string, hostPort: string) => unknown> = {
    'no proof': () => ({ status: 'ok' }),
    'a proof of another key': (nonce, hostPort) => ({
      status: 'ok',
      proof: mac('attach', proofText(nonce, hostPort)),
    }),
    'a proof for another address': (nonce) => ({
      status: 'ok',
      proof: mac('proof', proofText(nonce, '127.0.0.1:1')),
    }),
    'a proof of another nonce': (_, hostPort) => ({
      status: 'ok',
      proof: mac('proof', proofText('00', hostPort)),
    }),
    'a page': () => '<html>hello</html>',
    'an endless answer': () => 'x'.repeat(1_000_000),
  };
  for (const [name, health] of Object.entries(wrong))
    test(`with ${name} ends with 3, and nothing was sent`, async () => {
      wire = await startWire({}, health);
      const { code, out, err } = await gimo(['draft', 'new', 'secret plan'], { url: wire.url });
      expect(code).toBe(3);
      expect(out).toBe('');
      expect(err).toContain(`Something else answers at ${wire.url}; nothing was sent to it.`);
      expect(wire.all).toHaveLength(1);
      expect(wire.all[0]).toMatchObject({ authorization: undefined, body: undefined });
      expect(wire.all[0]?.path).toMatch(/^\/health\?challenge=[0-9a-f]{64}$/);
    });

  test('comes before the token, with a new nonce each time', async () => {
    wire = await startWire({ 'GET /ops/drafts': () => ({ body: [] }) });
    await gimo(['drafts'], { url: wire.url });
    await gimo(['drafts'], { url: wire.url });
    expect(wire.all.map(({ authorization }) => authorization)).toEqual([
      undefined,
      `Bearer ${token}`,
      undefined,
      `Bearer ${token}`,
    ]);
    expect(wire.all[0]?.path).not.toBe(wire.all[2]?.path);
  });

  test('cannot be had without the ledger’s key: 3, and nothing was asked', async () => {
    wire = await startWire({});
    expect((await gimo(['drafts'], { url: wire.url, knowsKey: false })).code).toBe(3);
    expect(wire.all).toEqual([]);
  });
});

describe('without a server it ends with 3', () => {
  test('where there is no data directory, and creates none', async () => {
    const root = mkdtempSync(join(tmpdir(), 'gimo-empty-'));
    const { code, err } = await gimo(['status', '--root', root], { url: 'http://127.0.0.1:9' });
    expect(code).toBe(3);
    expect(err).toContain('gimo serve');
    expect(readdirSync(root)).toEqual([]);
    expect((await gimo(['status', '--root', join(root, 'gone')])).code).toBe(3);
    expect(existsSync(join(root, 'gone'))).toBe(false);
  });

  test('where none was noted', async () => {
    expect((await gimo(['status'], { url: null })).code).toBe(3);
  });

  test('where it was stopped on purpose', async () => {
    wire = await startWire({});
    const note = { stopped: true };
    expect((await gimo(['status'], { url: wire.url, note })).code).toBe(3);
    expect(wire.all).toEqual([]);
  });

  test('where nothing listens any more', async () => {
    const gone = await startWire({});
    await gone.close();
    const { code, err } = await gimo(['status'], { url: gone.url });
    expect(code).toBe(3);
    expect(err).toContain(`No server answers at ${gone.url}`);
  });

  test('where the noted address is not loopback', async () => {
    for (const url of ['http://example.com:80', 'https://127.0.0.1:1', 'http://127.0.0.1:1@evil:2'])
      expect((await gimo(['status'], { url })).code).toBe(3);
  });

  test('where what listens does not speak HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-thing\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, err } = await gimo(['status'], { url: `http://127.0.0.1:${port}` });
    server.close();
    expect(code).toBe(3);
    expect(err).toContain('Something else answers');
  });
});

describe('the token', () => {
  test('is GIMO_TOKEN if that is set', async () => {
    wire = await startWire({ 'GET /ops/drafts': () => ({ body: [] }) });
    const options = { url: wire.url, cliToken: 'another', env: { GIMO_TOKEN: ` ${token}\n` } };
    expect((await gimo(['drafts'], options)).code).toBe(0);
  });

  test('that is not there is told, with what allows it for an editor’s server', async () => {
    wire = await startWire({});
    const note = { hosted_by: 'editor' };
    const { code, err } = await gimo(['drafts'], { url: wire.url, note, cliToken: null });
    expect(code).toBe(1);
    expect(err).toContain('Allow Command Line');
  });

  test('with a character that no header takes is a usage error that does not repeat it', async () => {
    wire = await startWire({});
    const env = { GIMO_TOKEN: 'hush\nhush' };
    const { code, err } = await gimo(['drafts'], { url: wire.url, env });
    expect(code).toBe(2);
    expect(err).not.toContain('hush');
  });

  test('that the server refuses ends with 1', async () => {
    wire = await startWire({});
    const { code, err } = await gimo(['drafts'], { url: wire.url, cliToken: 'wrong' });
    expect([code, err]).toEqual([1, 'gimo: Invalid token\n']);
  });
});

test('a refusal with --json is one JSON line on the standard error', async () => {
  wire = await startWire({
    'GET /status': () => refuse(503, 'lockdown', 'System in LOCKDOWN.'),
  });
  const { code, out, err } = await gimo(['status', '--json'], { url: wire.url });
  expect([code, out]).toEqual([1, '']);
  expect(JSON.parse(err)).toEqual({ detail: 'System in LOCKDOWN.', code: 'lockdown' });
});

test('an answer that does not fit the contract ends with 1 and a text', async () => {
  wire = await startWire({ 'GET /status': () => ({ body: { version: 7 } }) });
  const { code, err } = await gimo(['status'], { url: wire.url });
  expect(code).toBe(1);
  expect(err).toContain('cannot read');
});
