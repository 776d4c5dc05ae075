import { GimoError } from '../../src/contract/errors.ts';
import { isTerminal } from '../../src/core/run-steps.ts';
import type { Orders } from './aim.ts';
import type { Hull } from './hull.ts';
import { type FaultyPlace, openPlace } from './place.ts';
import { createRandom, type Random } from './random.ts';
import type { FaultyServer } from './server.ts';
import { type Expectation, type Hands, type History, same, something } from './soak-clients.ts';
import { generalFaults, leftovers, lookAtAll, settled, type View } from './view.ts';

/*
 * Several clients at once, each doing whatever comes to its mind to what it has made, and a server that is killed again
 * and again. Each client keeps what it was told; after each restart it asks again, with the same keys, for what was not
 * answered, as a client should. Then everything has to be there that was told, and nothing else.
 */

const clients = 4;
/** After so many kills a new directory is begun, so that the looks stay short. */
const killsOfPlace = 15;

export async function soak(
  seed: number,
  kills: number,
  hull: Hull | null,
): Promise<{ kills: number; violations: string[] }> {
  const random = createRandom(seed);
  const violations: string[] = [];
  let done = 0;
  while (done < kills) {
    const place = await openPlace(hull);
    try {
      const some = Math.min(killsOfPlace, kills - done);
      violations.push(
        ...(await soakPlace(place, random, some)).map((fault) => `seed ${seed}: ${fault}`),
      );
      done += some;
    } finally {
      await place.dispose();
    }
  }
  return { kills: done, violations };
}

async function soakPlace(place: FaultyPlace, random: Random, kills: number): Promise<string[]> {
  const violations: string[] = [];
  const history: History = {
    ...{ drafts: new Map(), approved: new Map(), runs: new Map() },
    ...{ open: new Set(), timeouts: new Set([300]) },
  };
  const all = Array.from(
    { length: clients },
    (_, n): Hands => ({
      name: `c${n}`,
      drafts: [],
      artifacts: [],
      waiting: [],
      done: [],
      count: 0,
    }),
  );
  let loss: Orders['loss'] = random.pick([null, 'all', 'some', 'later'] as const);
  const start = () => place.start({ loss, seed: random.below(2 ** 31) });
  let server = await start();
  for (let kill = 0; kill < kills; kill += 1) {
    const [nth, moment] = [
      1 + random.below(120),
      random.pick(['before', 'half', 'after'] as const),
    ];
    await server.arm({ point: null, nth, moment });
    await Promise.all(all.map((hands) => untilDead(server, hands, history, random)));
    await server.signal('SIGKILL');
    const where = `kill ${kill}, ${(await place.died()) ?? 'not by its aim'}, ${loss ?? 'nothing'} lost`;
    // What the last process left unsynced goes with the end of the next one.
    loss = loss === 'later' ? 'all' : random.pick([null, 'all', 'some', 'later'] as const);
    server = await start();
    for (const again of [...history.open]) await again(server.client);
    await settled(server);
    await server.points();
    const view = await lookAtAll(server, place);
    const faults = [
      ...generalFaults(view),
      ...historyFaults(history, view),
      ...(await leftovers(server, place, view)),
    ];
    if (!['whole', 'unwitnessed'].includes(view.verdict.verdict))
      faults.push(`the audit is ${view.verdict.verdict} at ${view.verdict.at}`);
    for (const file of view.quarantined)
      if (!file.includes('audit-torn-line.txt')) faults.push(`in quarantine: ${file}`);
    violations.push(...faults.map((fault) => `${where}: ${fault}`));
    if (faults.length > 0) return violations;
    takeUp(history, all, view);
  }
  await server.signal('SIGKILL');
  return violations;
}

/** Everything that was told is there as it was told, and nothing that was not. */
function historyFaults(history: History, view: View): string[] {
  const faults: string[] = [];
  const compare = <T>(
    kind: string,
    told: Map<string, Expectation<T>>,
    is: ReadonlyMap<string, T>,
  ) => {
    for (const [id, expectation] of told) {
      const now = is.get(id);
      const why = now === undefined ? 'lost' : expectation(now);
      if (why !== null) faults.push(`${kind} ${id} is ${why}`);
    }
    for (const id of is.keys()) if (!told.has(id)) faults.push(`${kind} ${id} was told to nobody`);
  };
  compare('draft', history.drafts, view.drafts);
  compare('artifact', history.approved, view.approved);
  compare('run', history.runs, view.runs);
  const { run_timeout_s } = Object(view.settings.config);
  if (!history.timeouts.has(run_timeout_s)) faults.push(`run_timeout_s is ${run_timeout_s}`);
  history.timeouts = new Set([run_timeout_s]);
  return faults;
}

/** From here on things are as they were seen now. */
function takeUp(history: History, all: readonly Hands[], view: View): void {
  for (const [id, draft] of view.drafts) history.drafts.set(id, same(draft));
  for (const [id, run] of view.runs)
    history.runs.set(
      id,
      isTerminal(run.status)
        ? same(run)
        : (now) => (now.status === 'paused' || isTerminal(now.status) ? null : now.status),
    );
  for (const hands of all) {
    hands.drafts = hands.drafts
      .flatMap(({ id }) => view.drafts.get(id) ?? [])
      .filter(({ status }) => status === 'draft');
    hands.waiting = hands.waiting.filter((id) => view.runs.get(id)?.status === 'paused');
  }
}

async function untilDead(server: FaultyServer, hands: Hands, history: History, random: Random) {
  for (;;) {
    try {
      const done = await server.whileAlive(async () => {
        await something(server.client, hands, history, random);
        return true;
      });
      if (done === null) return;
    } catch (error) {
      // A run may have gone on by itself between the thought and the deed.
      if (!GimoError.is(error, 'conflict_state')) throw error;
    }
  }
}
