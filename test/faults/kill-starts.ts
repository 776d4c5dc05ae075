import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Aim } from './aim.ts';
import type { Attempt } from './cases.ts';
import { approved, propose } from './cases-drafts.ts';
import { runCases } from './cases-runs.ts';
import { mayBeTorn, numbered, type Outcome, waysOf } from './kill.ts';
import {
  type FaultyPlace,
  type FaultyServer,
  NotStarted,
  openPlace,
  type StartOptions,
} from './place.ts';
import { createRandom, type Random } from './random.ts';
import { generalFaults, leftovers, lookAtAll, settled, type View } from './view.ts';

/** What a start finds. */
export interface Beginning {
  name: string;
  env?: Readonly<Record<string, string>>;
  /** Of all points of the start, those that are meant. */
  only?: RegExp;
  /** Puts it there. */
  lay(place: FaultyPlace): Promise<{
    /** Resolves once a server has done what it does of its own accord. */
    over?: (server: FaultyServer) => Promise<void>;
    /** What does not hold later. */
    faults?: (server: FaultyServer, view: View) => string[] | Promise<string[]>;
  }>;
}

const nothing: Beginning = {
  name: 'the first start',
  lay: async () => ({}),
};

/** A server that died while an edit was under way, with an old file gone and a new one not there yet. */
const halfAnEdit: Beginning = {
  name: 'a start after a crash',
  async lay(place) {
    const edit = runCases.find(({ name }) => name === 'run an edit');
    if (edit === undefined) throw new Error('There is no such case.');
    const server = await place.start({ loss: null, seed: 1 });
    const made: Attempt = await edit.attempt({ place, server, client: server.client, n: 1 });
    const before = await lookAtAll(server, place);
    await server.arm({ point: 'rename work/changed.txt', nth: 1, moment: 'after' });
    const reply = await server.whileAlive(() => made.act(server));
    await server.exited;
    return { faults: (now, after) => made.faults({ before, after, reply, server: now }) };
  },
};

/** Records whose time is over: the server cleans them up soon after its start. */
const oldRecords: Beginning = {
  name: 'cleaning up',
  env: { ORCH_OPS_RUN_TTL: '1' },
  only: /\b[dr]_\*|audit/,
  async lay(place) {
    const server = await place.start({ loss: null, seed: 1 });
    const { client } = server;
    const [draft, artifact] = [await propose(client, 1), await approved(client, 2)];
    await client.call('rejectDraft', { draft_id: draft.id, reason: 'No.' });
    const run = await client.call('createRun', { approved_id: artifact.id });
    await settled(server);
    await server.points();
    await server.signal('SIGKILL');
    const path = join(place.dataDir, 'ops', 'drafts', `${draft.id}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replace(/"updated_at": "[^"]*"/, '"updated_at": "2020-01-01T00:00:00.000Z"'),
    );
    const isGone = async (kind: 'drafts' | 'runs', id: string) =>
      !(await readdir(join(place.dataDir, 'ops', kind))).includes(`${id}.json`);
    const gone = async () => (await isGone('drafts', draft.id)) && (await isGone('runs', run.id));
    return {
      // Whatever was left of it, the next round takes.
      over: (now) => now.until(gone),
    };
  },
};

export const beginnings: readonly Beginning[] = [nothing, halfAnEdit, oldRecords];

/** Kills a server at every point of its start, each time in a directory of its own. */
export async function killStarts(
  from: Beginning,
  seed: number,
  everyWay: boolean,
): Promise<Outcome> {
  const outcome: Outcome = { points: 0, kills: 0, missed: [], violations: [] };
  const random = createRandom(seed);
  const points = numbered(await pointsOf(from)).filter(
    ({ point }) => from.only?.test(point) ?? true,
  );
  outcome.points = points.length;
  let turn = random.below(9);
  for (const { point, nth } of points) {
    const ways = waysOf(point);
    for (const way of everyWay ? ways : ways.slice(turn % ways.length).slice(0, 1)) {
      const { moment, loss } = way;
      const where = `${from.name}: ${moment} ${point} (${nth}), ${loss ?? 'nothing'} lost, seed ${seed}`;
      const found = await killOnce(from, { point, nth, moment }, loss, random);
      if (!found.died) outcome.missed.push(where);
      else outcome.kills += 1;
      outcome.violations.push(...found.faults.map((fault) => `${where}: ${fault}`));
    }
    turn += 1;
  }
  return outcome;
}

async function pointsOf(from: Beginning): Promise<string[]> {
  const place = await openPlace();
  try {
    const { over } = await from.lay(place);
    const server = await place.start({ loss: null, seed: 1, aim: null, ...envOf(from) });
    await over?.(server);
    return (await server.points()) ?? [];
  } finally {
    await place.dispose();
  }
}

async function killOnce(from: Beginning, aim: Aim, loss: 'all' | 'some' | null, random: Random) {
  const place = await openPlace();
  try {
    const laid = await from.lay(place);
    await startAndDie(place, { loss, seed: random.below(2 ** 31), aim, ...envOf(from) }, laid.over);
    const died = (await place.died()) !== null;
    const server = await startOrTell(place, { loss: null, seed: 1, ...envOf(from) });
    if (typeof server === 'string') return { died, faults: [server] };
    // It does what a server does.
    await propose(server.client, 1);
    await settled(server);
    await laid.over?.(server);
    await server.points();
    const view = await lookAtAll(server, place);
    const faults = [
      ...generalFaults(view),
      ...((await laid.faults?.(server, view)) ?? []),
      ...(await leftovers(place, view)),
      ...view.quarantined
        .filter((file) => !mayBeTorn(file))
        .map((file) => `in quarantine: ${file}`),
    ];
    if (view.verdict.verdict !== 'whole') faults.push(`the audit is ${view.verdict.verdict}`);
    if (JSON.stringify(view.settings.changes) !== '[]')
      faults.push(`changes wait: ${JSON.stringify(view.settings.changes)}`);
    if (view.settings.security !== 'open') faults.push(`it is locked: ${view.settings.security}`);
    const ignored = await readFile(join(place.dataDir, '.gitignore'), 'utf8');
    if (ignored !== '*\n') faults.push(`.gitignore holds ${JSON.stringify(ignored)}`);
    return { died, faults };
  } finally {
    await place.dispose();
  }
}

const envOf = ({ env }: Beginning) => (env === undefined ? {} : { env });

async function startOrTell(
  place: FaultyPlace,
  options: StartOptions,
): Promise<FaultyServer | string> {
  try {
    return await place.start(options);
  } catch (error) {
    if (error instanceof NotStarted) return error.message;
    throw error;
  }
}

async function startAndDie(
  place: FaultyPlace,
  options: StartOptions,
  over?: (server: FaultyServer) => Promise<void>,
) {
  try {
    const server = await place.start(options);
    await server.whileAlive(async () => over?.(server));
    await server.points();
    await server.signal('SIGKILL');
  } catch (error) {
    if (!(error instanceof NotStarted) || !error.byAim) throw error;
  }
}
