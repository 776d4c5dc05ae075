import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startServer, type TestServer } from '../api/harness.ts';
import { auditOf } from '../api/wire/support.ts';
import { failing, prepareDisks } from './bad-disk.ts';

/*
 * What is set stands in the ledger; the file in the workspace is a copy. A disk that has room for the audit and none for
 * the copy leaves an old file, which nobody has changed: it must not be shown as changed outside, nor stay old.
 */

beforeAll(prepareDisks);

const admin = (server: TestServer, method: string, path: string, body?: unknown) =>
  server.request(method, path, { role: 'admin', ...(body === undefined ? {} : { body }) });
const changesOf = async (server: TestServer) => (await admin(server, 'GET', '/ops/changes')).body;
const fileOf = ({ host }: TestServer, name: string) => join(host.dataDir, 'ops', `${name}.json`);

/** From now on there is no room for the copy. @returns what makes room again */
function noRoomFor(name: string): () => void {
  // In the workspace; the ledger has a file of that name too.
  const temp = join('ops', `.${name}.json.`);
  const heal = failing('ENOSPC', ({ op, path }) => op === 'write' && path.includes(temp));
  onTestFinished(heal);
  return heal;
}

const until = '2099-01-01T00:00:00.000Z';
const settings: [string, string, (n: number) => unknown][] = [
  ['config', '/ops/config', (n) => ({ run_timeout_s: 100 + n })],
  [
    ...(['provider', '/ops/provider'] as const),
    (n) => ({ active: 'p', providers: { p: { type: 'offline', model: `m${n}` } } }),
  ],
  [
    ...(['allowlist', '/ui/allowlist'] as const),
    (n) => ({ paths: [{ path: n === 1 ? 'a.txt' : 'b.txt', expires_at: until }] }),
  ],
];

describe.each(settings)('%s.json, while there is no room for it', (name, path, value) => {
  async function setWithoutCopy() {
    const server = await startServer();
    for (const file of ['a.txt', 'b.txt']) await writeFile(join(server.root, file), file);
    expect((await admin(server, 'PUT', path, value(1))).status).toBe(200);
    const copied = await readFile(fileOf(server, name), 'utf8');
    const heal = noRoomFor(name);
    expect((await admin(server, 'PUT', path, value(2))).status).toBe(200);
    expect(await readFile(fileOf(server, name), 'utf8')).toBe(copied);
    return { server, heal, copied };
  }

  it('is not shown as changed, and is written with the next look once there is room', async () => {
    const { server, heal, copied } = await setWithoutCopy();
    expect(await changesOf(server)).toEqual([]);
    expect((await admin(server, 'GET', '/status')).body).toMatchObject({ changes: 0 });
    heal();
    expect(await changesOf(server)).toEqual([]);
    expect(await readFile(fileOf(server, name), 'utf8')).not.toBe(copied);
    const audited = (await auditOf(server)).filter(({ operation }) => operation === 'settleCopy');
    expect(audited.map(({ target, outcome }) => [target, outcome])).toEqual([
      [name, 'intent'],
      [name, 'done'],
    ]);
    const again = await server.restart();
    expect(await changesOf(again)).toEqual([]);
  });

  it('is written after a restart too', async () => {
    const { server, heal, copied } = await setWithoutCopy();
    expect(await changesOf(server)).toEqual([]);
    await server.host.stop();
    heal();
    const again = await startServer({ dir: server.dir, keep: true });
    onTestFinished(() => again.host.stop());
    expect(await changesOf(again)).toEqual([]);
    expect(await readFile(fileOf(again, name), 'utf8')).not.toBe(copied);
  });

  it('that somebody changes meanwhile is theirs: shown, and not written over', async () => {
    const { server, heal } = await setWithoutCopy();
    await changesOf(server);
    await writeFile(fileOf(server, name), '{"mine": true}');
    heal();
    expect(await changesOf(server)).toMatchObject([{ what: name }]);
    expect(await readFile(fileOf(server, name), 'utf8')).toBe('{"mine": true}');
  });
});
