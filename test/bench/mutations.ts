import { mkdtempSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pending } from '../../src/contract/operation.ts';
import { type Host, startHost } from '../../src/http/host.ts';
import { type Case, type Figure, inTurns } from './measure.ts';
import { type Place, serveBare } from './server.ts';
import { countSyncs, type Synced } from './syncs.ts';

/*
 * Each durable mutation beside its own floor: the same number of syncs, of files and of folders, on the same disk and in
 * the same turn. The server runs in this process, so that its syncs can be counted.
 */

/** Writes and syncs as many files and folders, and does nothing else. */
async function bareSyncs(dir: string, { files, folders }: Synced): Promise<void> {
  for (let n = 0; n < files; n += 1) {
    const file = await open(join(dir, `floor-${n}.tmp`), 'w');
    await file.writeFile('x'.repeat(700));
    await file.sync();
    await file.close();
    await rename(join(dir, `floor-${n}.tmp`), join(dir, `floor-${n}`));
  }
  for (let n = 0; n < folders; n += 1) {
    const folder = await open(dir, 'r');
    await folder.sync();
    await folder.close();
  }
}

/** Resolves when a run has logged that it executes. */
function firstStep(host: Host): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = host.onChange(({ type, id }) => {
      if (type !== 'log' || id === null) return;
      host.client.call('getRunLog', { run_id: id }).then(({ entries }) => {
        if (!entries.some(({ msg }) => msg === 'Execution started')) return;
        off();
        resolve();
      }, reject);
    });
  });
}

/** Resolves when no run is live, so that none weighs on what is measured next. */
async function calm(host: Host): Promise<void> {
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      const off = host.onChange(({ type }) => {
        if (type !== 'run') return;
        off();
        resolve();
      });
    });
    const status = ['pending' as const, 'running' as const];
    const { length } = await host.client.call('listRuns', { status, view: 'summary', limit: 1 });
    if (length === 0) return;
    await changed;
  }
}

/** The server in this process. */
function startHere(place: Place): Promise<Host> {
  const env = {
    ...{ GIMO_CONFIG_HOME: place.home, GIMO_FIRST_PROVIDER: 'offline' },
    ORCH_RATE_LIMIT_PER_MIN: '1000000',
  };
  return startHost({
    ...{ root: place.root, port: 0, hostedBy: 'headless', version: 'bench', env },
    logger: { log: () => {} },
  });
}

/** How much is synced for one new draft, and for so many that are asked for at once. */
export async function measureTogether(place: Place, most: number) {
  const host = await startHere(place);
  const create = () => host.client.call('createDraft', { prompt: 'p'.repeat(500) });
  await create();
  const all: { drafts: number; synced: Synced }[] = [];
  for (let drafts = 1; drafts <= most; drafts *= 10) {
    const work = () => Promise.all(Array.from({ length: drafts }, create));
    all.push({ drafts, synced: await countSyncs(host.dataDir, work) });
  }
  await host.stop();
  return all;
}

export async function measureMutations(place: Place, rounds: number): Promise<Figure[]> {
  const host = await startHere(place);
  const { client } = host;
  const draft = () => client.call('createDraft', { prompt: 'p'.repeat(500) });
  const approve = async () => {
    const said = await client.call('approveDraft', { draft_id: (await draft()).id });
    if ('pending' in said)
      throw new Error(`nobody can be asked here: ${Pending.parse(said).pending}`);
    return said.approved.id;
  };
  const ready = async <T>(make: () => Promise<T>, work: (made: T) => Promise<unknown>) => {
    const made: T[] = [];
    for (let n = 0; n <= rounds; n += 1) made.push(await make());
    const next = () => {
      const one = made.pop();
      if (one === undefined) throw new Error('too few were made ready');
      return work(one);
    };
    return next;
  };
  const kept = await draft();
  const approved = await approve();
  const works: Record<string, () => Promise<unknown>> = {
    'create a draft': draft,
    'edit a draft': () => client.call('editDraft', { draft_id: kept.id, prompt: 'q'.repeat(500) }),
    'reject a draft': await ready(draft, ({ id }) => client.call('rejectDraft', { draft_id: id })),
    'approve a draft': await ready(draft, ({ id }) =>
      client.call('approveDraft', { draft_id: id }),
    ),
    'set the configuration': () => client.call('setConfig', { run_timeout_s: 300 }),
    'create a run': () => client.call('createRun', { approved_id: approved }),
    'POST of a run to its first step': async () => {
      const first = firstStep(host);
      await client.call('createRun', { approved_id: approved });
      await first;
    },
  };
  const restless = new Set(['create a run', 'POST of a run to its first step']);
  const dir = mkdtempSync(join(place.root, 'floor-'));
  const cases: Case[] = [];
  for (const [name, work] of Object.entries(works)) {
    const synced = await countSyncs(dir, work);
    const beside = `${synced.files} files and ${synced.folders} folders synced`;
    const after = restless.has(name) ? () => calm(host) : async () => undefined;
    await after();
    cases.push({ name, work, beside, floor: () => bareSyncs(dir, synced), after });
  }
  const figures = await inTurns(rounds, cases);
  await host.stop();
  rmSync(dir, { recursive: true });
  return figures;
}

/** Reading one record over HTTP beside a bare server that sends the same bytes, and the log's end early and late. */
export async function measureReads(
  url: string,
  token: string,
  path: string,
  rounds: number,
): Promise<Figure[]> {
  const headers = { authorization: `Bearer ${token}` };
  const body = await (await fetch(`${url}${path}`, { headers })).text();
  const bare = await serveBare(body);
  const read = async (from: string) => (await fetch(from, { headers })).text();
  const figures = await inTurns(rounds, [
    {
      name: 'read one draft',
      work: () => read(`${url}${path}`),
      floor: () => read(bare.url),
      beside: 'a bare server, the same bytes',
    },
  ]);
  bare.stop();
  return figures;
}

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'gimo-bench-logs-'));
