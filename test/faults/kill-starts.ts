import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Aim } from './aim.ts';
import type { Attempt } from './cases.ts';
import { approved, propose } from './cases-drafts.ts';
import { runCases } from './cases-runs.ts';
import type { Hull } from './hull.ts';
import { lostFaults, mayBeTorn, numbered, type Outcome, planOf } from './kill.ts';
import { type FaultyPlace, openPlace, type StartOptions } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { type FaultyServer, NotStarted } from './server.ts';
import { generalFaults, leftovers, lookAtAll, settled, type View } from './view.ts';

/** What a start finds. */
export interface Beginning {
  name: string;
  env?: Readonly<Record<string, string>>;
  /** Each server in a process of its own. */
  alone?: true;
  /** Of all points of the start, those that are meant. */
  only?: RegExp;
  /** Puts it there. */
  lay(place: FaultyPlace): Promise<Laid>;
}

interface Laid {
  /** Resolves once a server has done what it does of its own accord. */
  over?: (server: FaultyServer) => Promise<void>;
  /** What does not hold later. */
  faults?: (server: FaultyServer, view: View) => string[] | Promise<string[]>;
}

const nothing: Beginning = {
  name: 'the first start',
  alone: true,
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
    await server.signal('SIGKILL');
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

/** Kills a server at every point of its start, each time in a directory that is as it was found. */
export async function killStarts(
  from: Beginning,
  seed: number,
  everyWay: boolean,
  hull: Hull | null,
): Promise<Outcome> {
  const outcome: Outcome = { points: 0, kills: 0, missed: [], violations: [] };
  const random = createRandom(seed);
  const place = await openPlace(hull);
  try {
    const laid = await from.lay(place);
    await place.save();
    const points = numbered(await pointsOf(from, place, laid));
    outcome.points = points.length;
    for (const { point, nth, moment, loss } of planOf(points, random, everyWay)) {
      const where = `${from.name}: ${moment} ${point} (${nth}), ${loss ?? 'nothing'} lost, seed ${seed}`;
      await place.restore();
      const found = await killOnce({ from, place, laid, random }, { point, nth, moment }, loss);
      if (!found.died) outcome.missed.push(where);
      else outcome.kills += 1;
      outcome.violations.push(...found.faults.map((fault) => `${where}: ${fault}`));
    }
    return outcome;
  } finally {
    await place.dispose();
  }
}

async function pointsOf(from: Beginning, place: FaultyPlace, { over }: Laid): Promise<string[]> {
  const server = await place.start({ loss: null, seed: 1, aim: null, ...envOf(from) });
  await over?.(server);
  const points = (await server.points()) ?? [];
  await server.signal('SIGKILL');
  return points.filter((point) => from.only?.test(point) ?? true);
}

interface Stage {
  from: Beginning;
  place: FaultyPlace;
  laid: Laid;
  random: Random;
}

async function killOnce(stage: Stage, aim: Aim, loss: StartOptions['loss']) {
  const { from, place, laid, random } = stage;
  await startAndDie(place, { loss, seed: random.below(2 ** 31), aim, ...envOf(from) }, laid.over);
  const died = (await place.died()) !== null;
  const next = loss === 'later' ? 'all' : null;
  const server = await startOrTell(place, { loss: next, seed: 1, ...envOf(from) });
  if (typeof server === 'string') return { died, faults: [server] };
  const faults = await (loss === 'later' ? faultsLater(stage, server) : faultsOf(stage, server));
  await server.signal('SIGKILL');
  return { died, faults };
}

/** Waits until a server has done all that it does by itself, and looks. */
async function lookAtRest({ laid, place }: Stage, server: FaultyServer): Promise<View> {
  await settled(server);
  await laid.over?.(server);
  await server.points();
  return lookAtAll(server, place);
}

/** What does not hold on a server that was started after the kill. */
async function faultsOf(stage: Stage, server: FaultyServer, mayLag = false): Promise<string[]> {
  const { place, laid } = stage;
  // It does what a server does.
  await propose(server.client, 1);
  const view = await lookAtRest(stage, server);
  const faults = [
    ...generalFaults(view),
    ...((await laid.faults?.(server, view)) ?? []),
    ...(await leftovers(server, place, view)),
    ...view.quarantined.filter((file) => !mayBeTorn(file)).map((file) => `in quarantine: ${file}`),
  ];
  const { verdict } = view.verdict;
  if (verdict !== 'whole' && !(mayLag && verdict === 'unwitnessed'))
    faults.push(`the audit is ${verdict}`);
  if (JSON.stringify(view.settings.changes) !== '[]')
    faults.push(`changes wait: ${JSON.stringify(view.settings.changes)}`);
  if (view.settings.security !== 'open') faults.push(`it is locked: ${view.settings.security}`);
  const ignored = await readFile(join(place.dataDir, '.gitignore'), 'utf8');
  if (ignored !== '*\n') faults.push(`.gitignore holds ${JSON.stringify(ignored)}`);
  return faults;
}

/** What does not hold once the power went while a server ran that was started after the kill. */
async function faultsLater(stage: Stage, server: FaultyServer): Promise<string[]> {
  const shown = await lookAtRest(stage, server);
  await server.powerOff();
  const next = await startOrTell(stage.place, { loss: null, seed: 1, ...envOf(stage.from) });
  if (typeof next === 'string') return [next];
  const lost = lostFaults(shown, await lookAtRest(stage, next));
  const faults = await faultsOf(stage, next, true);
  await next.signal('SIGKILL');
  return [...lost, ...faults];
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
