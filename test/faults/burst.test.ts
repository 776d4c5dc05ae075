import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { table } from '../../src/contract/operations.ts';
import type { DraftRecord } from '../../src/contract/records.ts';
import { filesUnder, inspect, makePlace, send } from './support.ts';

const Made = table.createDraft.output;
type Place = Awaited<ReturnType<typeof makePlace>>;

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  await mkdir(place.root);
});
afterAll(() => place?.dispose());

/** Sends 50 drafts at once and kills the server after so many answers. @returns those that it acknowledged */
async function burst(server: Awaited<ReturnType<Place['serve']>>, token: string, answers: number) {
  const acknowledged: DraftRecord[] = [];
  let dead: Promise<unknown> | undefined;
  const one = async (n: number) => {
    const body = { prompt: `Draft ${n} of the burst`, content: 'x'.repeat(n * 200) };
    const reply = await send(server.url, token, 'POST', '/ops/drafts', body);
    if (reply.status !== 201) throw new Error(`answered ${reply.status}`);
    acknowledged.push(Made.parse(await reply.json()));
    if (acknowledged.length === answers) dead = server.kill();
  };
  const all = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => one(n)));
  await dead;
  // Those that failed, failed because the server was gone.
  for (const result of all)
    if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TypeError);
  return acknowledged;
}

it.each([1, 7, 25, 49])(
  'killed after %i of 50 answers, every draft that was acknowledged is there, and the chain holds',
  async (answers) => {
    const first = await place.serve();
    const token = await place.adminToken();
    const acknowledged = await burst(first, token, answers);
    expect(acknowledged.length).toBeGreaterThanOrEqual(answers);

    // As the dead process left it: nothing half written under the name of a record.
    const files = await filesUnder(join(first.dataDir, 'ops', 'drafts'));
    for (const { path, text } of files)
      if (path.endsWith('.json')) expect(`${Made.parse(JSON.parse(text)).id}.json`).toBe(path);

    const second = await place.serve();
    for (const draft of acknowledged) {
      const reply = await send(second.url, token, 'GET', `/ops/drafts/${draft.id}`);
      expect(Made.parse(await reply.json())).toEqual(draft);
    }
    const status = await (await send(second.url, token, 'GET', '/status')).json();
    expect(status).toMatchObject({ quarantined: [] });
    expect(await second.stop()).toBe(0);

    const left = await filesUnder(first.dataDir);
    expect(left.filter(({ path }) => path.endsWith('.tmp'))).toEqual([]);
    const { verdict, entries } = await inspect(place.root, place.configHome);
    expect(['whole', 'unwitnessed']).toContain(verdict.verdict);
    const done = new Set(
      entries.filter(({ outcome }) => outcome === 'done').map(({ target }) => target),
    );
    const intents = new Set(entries.map(({ target }) => target));
    for (const { id } of acknowledged) expect(done).toContain(id);
    for (const { path } of files)
      if (path.endsWith('.json')) expect(intents).toContain(path.slice(0, -'.json'.length));
  },
);
