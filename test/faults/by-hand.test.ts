import { execFileSync } from 'node:child_process';
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunRecord } from '../../src/contract/records.ts';
import { startServer, type TestServer } from '../api/harness.ts';
import { approve, expectError, newDraft } from '../api/wire/support.ts';
import { deep, hugeFile } from './spoilt.ts';

/*
 * Records that somebody has put, changed or taken away by hand, while the server runs: each is shown or moved aside
 * with a reason, and the rest, its counts and its lists are as they were.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return () => server.dispose();
});

const get = (path: string) => server.request('GET', path, { role: 'admin' });
const post = (path: string, body: unknown = {}) =>
  server.request('POST', path, { role: 'admin', body });
const at = (...parts: string[]) => join(server.host.dataDir, 'ops', ...parts);
const quarantined = async (): Promise<{ file: string; reason: string }[]> =>
  Object((await get('/status')).body).quarantined;

type Json = Record<string, unknown>;
interface Kind {
  folder: 'drafts' | 'approved' | 'runs';
  letter: string;
  make(): Promise<string>;
}
const made = async () => (await newDraft(server)).id;
const approvedId = async () => (await approve(server, await made())).id;
/** A run that waits at a gate, so that it is neither over nor changes by itself. */
async function run(): Promise<string> {
  const { id, digest } = await newDraft(server, { steps: [{ id: 'g', kind: 'gate' }] });
  const reply = await post(`/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`);
  const runId = RunRecord.parse(Object(reply.body).run).id;
  const paused = Promise.withResolvers<void>();
  // Its file, which is written after the ledger's: what is put there before that would be written over.
  const look = async () => {
    if ((await jsonOf('runs', runId)).status === 'paused') paused.resolve();
  };
  const off = server.host.onChange(() => void look());
  await look();
  await paused.promise;
  off();
  return runId;
}
const kinds: Kind[] = [
  { folder: 'drafts', letter: 'd', make: made },
  { folder: 'approved', letter: 'a', make: approvedId },
  { folder: 'runs', letter: 'r', make: run },
];

let given = 0;
/** An id that nobody has, younger than all others. */
const freeId = (letter: string) => {
  given += 1;
  return `${letter}_${Date.now() + 1e9 + given}_0000ff`;
};
const jsonOf = async (folder: string, id: string): Promise<Json> =>
  JSON.parse(await readFile(at(folder, `${id}.json`), 'utf8'));

/** What may lie under the name of a record: how it gets there, and what its reason says. */
const odd: [string, (path: string, whole: Json) => unknown, RegExp][] = [
  ['torn', (path, whole) => writeFile(path, JSON.stringify(whole).slice(0, -20)), /not JSON/],
  [
    'empty for longer than a save takes',
    async (path) => {
      await writeFile(path, '');
      await utimes(path, 0, 0);
    },
    /not JSON/,
  ],
  ['only zeros', (path) => writeFile(path, Buffer.alloc(4096)), /not JSON/],
  ['a list', (path) => writeFile(path, '[1, 2]'), /not a record/],
  ['null', (path) => writeFile(path, 'null'), /not a record/],
  [
    'of the wrong type',
    (path, w) => writeFile(path, JSON.stringify({ ...w, status: 5, prompt: 5, approved_id: 5 })),
    /not a record/,
  ],
  [
    'with the id of another',
    (path, w) => writeFile(path, JSON.stringify({ ...w, id: `${w.id}0` })),
    /id in it/,
  ],
  [
    'without an id',
    (path, w) => writeFile(path, JSON.stringify({ ...w, id: undefined })),
    /not a record|id in it/,
  ],
  ['very deep', (path) => writeFile(path, deep), /no record may hold|not a record|not JSON/],
  [
    'UTF-16',
    (path, w) => writeFile(path, Buffer.from(JSON.stringify(w), 'utf16le')),
    /not (UTF-8|JSON)/,
  ],
  [
    'Latin-1',
    (path, w) => writeFile(path, Buffer.from(JSON.stringify({ ...w, prompt: 'käse' }), 'latin1')),
    /not UTF-8/,
  ],
  ['of 65 MiB', (path, w) => hugeFile(path, JSON.stringify(w)), /more than the/],
  ['a folder', (path) => mkdir(path), /not a file/],
  ['a link', (path) => symlink('/etc/passwd', path), /link/],
  ['a link to nothing', (path) => symlink('nowhere', path), /link/],
  ['a pipe', (path) => execFileSync('mkfifo', [path]), /not a file/],
];

describe.each(kinds)('in $folder', ({ folder, letter, make }) => {
  let good: string;
  let whole: Json;
  beforeAll(async () => {
    good = await make();
    whole = await jsonOf(folder, good);
  });
  const listed = async (): Promise<string[]> => {
    const reply = await get(`/ops/${folder}`);
    expect(reply.status, reply.text).toBe(200);
    const { body } = reply;
    expect(Number(reply.headers['x-total-count'])).toBe(Array.isArray(body) ? body.length : -1);
    return Array.isArray(body) ? body.map((one) => String(Object(one).id)) : [];
  };
  const counted = async () => {
    const found: unknown = Object((await get('/status')).body)[folder];
    return typeof found === 'number'
      ? found
      : Object.values(Object(found)).reduce<number>((sum, one) => sum + Number(one), 0);
  };
  const goneOr404 = async (id: string) => {
    expectError(await get(`/ops/${folder}/${id}`), 'not_found');
  };

  it.each(odd)(
    'a file that is %s is moved aside with its reason, and the rest is as it was',
    async (_, put, reason) => {
      const id = freeId(letter);
      const before = await listed();
      await put(at(folder, `${id}.json`), { ...whole, id });
      expect(await listed()).toEqual(before);
      await goneOr404(id);
      expect(await quarantined()).toContainEqual({
        ...{ file: `quarantine/${id}.json`, reason: expect.stringMatching(reason) },
      });
      expect(await readdir(at(folder))).not.toContain(`${id}.json`);
      expect(await readdir(at('quarantine'))).toContain(`${id}.json`);
    },
  );

  it('a copy under another name is no second record', async () => {
    const before = await listed();
    const copies = [freeId(letter), `${good} (copy)`, `${good}.bak`, `copy-of-${good}`];
    for (const name of copies) await writeFile(at(folder, `${name}.json`), JSON.stringify(whole));
    expect(await listed()).toEqual(before);
    expect((await get(`/ops/${folder}/${good}`)).status).toBe(200);
    expect((await quarantined()).map(({ file }) => file)).toContain(`quarantine/${copies[0]}.json`);
  });

  it('a record whose file was renamed is gone under its old name and no other under the new', async () => {
    const id = await make();
    const other = freeId(letter);
    const before = (await listed()).filter((one) => one !== id);
    await rename(at(folder, `${id}.json`), at(folder, `${other}.json`));
    const after = await listed();
    expect(after.filter((one) => one !== id)).toEqual(before);
    await goneOr404(other);
    // Back under its name it is what it was.
    await rename(at('quarantine', `${other}.json`), at(folder, `${id}.json`));
    expect(await listed()).toContain(id);
    expect((await get(`/ops/${folder}/${id}`)).status).toBe(200);
  });

  it.each([
    ['a word that it does not know', { steps: [{ id: 's', kind: 'dance', status: 'waiting' }] }],
    ['a number of its form', { version: 2, prompt: 5, approved_id: 5, status: 5, draft_id: 5 }],
  ])('one from a newer version, by %s, is left alone and told', async (_, fields) => {
    const id = freeId(letter);
    const before = await listed();
    const text = JSON.stringify({ ...whole, id, ...fields });
    // Of runs the kind of a step is told in the artifact; its states are what a newer version may add to.
    const told =
      folder === 'runs' && !('version' in fields) ? text.replace('"paused"', '"asleep"') : text;
    await writeFile(at(folder, `${id}.json`), told);
    expect(await listed()).toEqual(before);
    await goneOr404(id);
    expect(await quarantined()).toContainEqual({
      ...{ file: `${folder}/${id}.json`, reason: expect.stringMatching(/newer version/) },
    });
    expect(await readFile(at(folder, `${id}.json`), 'utf8')).toBe(told);
    await unlink(at(folder, `${id}.json`));
    expect(await quarantined()).not.toContainEqual(
      expect.objectContaining({ file: `${folder}/${id}.json` }),
    );
  });

  it.each([
    'yesterday',
    '',
    '99999-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '0000-00-00',
    '2026-02-30T25:61:61Z',
    '1e99',
  ])('the date "%s" breaks nothing', async (date) => {
    const id = freeId(letter);
    const dates = {
      created_at: date,
      updated_at: date,
      started_at: date,
      finished_at: date,
      approved_at: date,
      expires_at: date,
    };
    const known = Object.fromEntries(Object.entries(dates).filter(([name]) => name in whole));
    await writeFile(at(folder, `${id}.json`), JSON.stringify({ ...whole, id, ...known }));
    const all = await listed();
    expect(all).toContain(good);
    expect(
      (await get(`/ops/${folder}?status=${folder === 'drafts' ? 'draft' : 'paused'}`)).status,
    ).toBe(200);
    if (all.includes(id)) expect((await get(`/ops/${folder}/${id}`)).status).toBe(200);
    else
      expect(await quarantined()).toContainEqual(
        expect.objectContaining({ file: `quarantine/${id}.json` }),
      );
    await rm(at(folder, `${id}.json`), { force: true });
    expect(await listed()).not.toContain(id);
  });

  it('a file that is changed, replaced, or taken away while the server runs is what it is', async () => {
    const id = await make();
    const path = at(folder, `${id}.json`);
    const field = folder === 'runs' ? 'note' : 'prompt';
    const record = await jsonOf(folder, id);
    const shown = async () => Object((await get(`/ops/${folder}/${id}`)).body)[field];
    await shown();
    // In place, of the same length, at the same time of change.
    const times = await stat(path);
    await writeFile(path, JSON.stringify({ ...record, [field]: 'one' }));
    expect(await shown()).toBe('one');
    await writeFile(path, JSON.stringify({ ...record, [field]: 'two' }));
    await utimes(path, times.atime, times.mtime);
    expect(await shown()).toBe('two');
    // Another file in its place.
    await writeFile(`${path}.new`, JSON.stringify({ ...record, [field]: 'six' }));
    await utimes(`${path}.new`, times.atime, times.mtime);
    await rename(`${path}.new`, path);
    expect(await shown()).toBe('six');
    const before = await counted();
    await unlink(path);
    const after = await listed();
    expect(after).not.toContain(id);
    expect(after).toContain(good);
    expect(await counted()).toBeLessThanOrEqual(before);
    // What the ledger knows of a run outlasts its file.
    expect([404, 200]).toContain((await get(`/ops/${folder}/${id}`)).status);
    if (folder !== 'runs') await goneOr404(id);
  });
});
