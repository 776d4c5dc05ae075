import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { proofText } from '../../../src/contract/proof.ts';
import { gimo, workspace } from './gimo.ts';
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

  test('where none was noted, and names the folder', async () => {
    const { code, err } = await gimo(['status'], { url: null });
    expect(code).toBe(3);
    expect(err).toBe(
      `gimo: No server was ever started for ${workspace}. Start it with: gimo serve\n`,
    );
  });

  test('in a folder of a workspace that has one, and names that workspace', async () => {
    const sub = mkdtempSync(join(workspace, 'sub-'));
    const told = async (args: string[], note = {}) =>
      (await gimo(args, { url: 'http://127.0.0.1:9', cwd: sub, note })).err;
    const none = `gimo: No server was ever started for ${sub}, but for ${workspace}`;
    expect(await told(['status'])).toBe(`${none}. Use that one with: --root ${workspace}\n`);
    expect(await told(['status'], { stopped: true })).toBe(
      `${none}, where it was stopped. Start it with: gimo serve --root ${workspace}\n`,
    );
  });

  test('elsewhere, and tells how to start it from here', async () => {
    const root = join(mkdtempSync(join(tmpdir(), 'gimo-empty-')), "it's mine");
    mkdirSync(root);
    const { err } = await gimo(['status', '--root', root], { url: null });
    expect(err).toContain(`gimo serve --root '${root.replace("'", "'\\''")}'`);
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
    expect(code).toBe(1);
    expect(err).toBe(
      'gimo: The server does not know the token that the command line has. Stop the server and start it again, which puts a new one there.\n',
    );
    const note = { hosted_by: 'editor' };
    const inEditor = await gimo(['drafts'], { url: wire.url, cliToken: 'wrong', note });
    expect(inEditor.err).toContain('Run "GIMO: Allow Command Line" in the editor again.');
  });

  test('that the server refuses is told as that of GIMO_TOKEN, without it', async () => {
    wire = await startWire({ 'GET /ops/events': () => refuse(401, 'token_invalid', 'Invalid') });
    const options = { url: wire.url, env: { GIMO_TOKEN: 'wrong-token' } };
    for (const command of ['drafts', 'watch']) {
      const { code, err } = await gimo([command], options);
      expect(code).toBe(1);
      expect(err).toMatch(/the token in GIMO_TOKEN; .* unset GIMO_TOKEN/);
      expect(err).not.toContain('wrong-token');
    }
    const json = await gimo(['drafts', '--json'], options);
    expect(JSON.parse(json.err)).toMatchObject({ code: 'token_invalid' });
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
