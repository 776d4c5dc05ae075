import type { Aim, Moment, Orders } from './aim.ts';
import type { Attempt, Case, World } from './cases.ts';
import { type FaultyPlace, type FaultyServer, openPlace } from './place.ts';
import { createRandom, type Random } from './random.ts';
import { changedFaults, generalFaults, leftovers, lookAtAll, settled, type View } from './view.ts';

/** What came of killing a case everywhere. */
export interface Outcome {
  points: number;
  kills: number;
  /** Points that the process did not come to another time. */
  missed: string[];
  violations: string[];
}

type Loss = Orders['loss'];
interface Variant {
  moment: Moment;
  loss: Loss;
}

const moments: readonly Moment[] = ['before', 'half', 'after'];
const losses: readonly Loss[] = [null, 'all', 'some'];
const variants = losses.flatMap((loss) => moments.map((moment) => ({ moment, loss })));

/**
 * Kills a server at every point that an operation passes, one after the other in one data directory, each time starts it
 * again, and looks whether everything holds.
 *
 * @param everyWay each point in every variant; otherwise every fourth point, which of them the seed decides, in one
 *   variant, another from point to point
 */
export async function killEverywhere(one: Case, seed: number, everyWay: boolean): Promise<Outcome> {
  const outcome: Outcome = { points: 0, kills: 0, missed: [], violations: [] };
  const random = createRandom(seed);
  /** Each once: what is left behind once is found again each time. */
  const known = new Set<string>();
  const tell = (where: string, faults: readonly string[]) => {
    for (const fault of faults) {
      if (!known.has(fault)) outcome.violations.push(`${where}: ${fault}`);
      known.add(fault);
    }
  };
  let stage = await openStage(one, random, null);
  try {
    // What is made for the first time only is left to the cases that are about that.
    if (one.fresh === undefined) await stage.check(await stage.attempt(null), null, null);
    const uncut = await stage.attempt(null);
    const points = numbered((await stage.server().points()) ?? []);
    outcome.points = points.length;
    let turn = random.below(variants.length);
    const plan = points.flatMap((at) => {
      const ways = waysOf(at.point);
      turn += 1;
      if (!everyWay && turn % 4 !== 0) return [];
      return (everyWay ? ways : [ways[(turn >> 2) % ways.length]]).map((way) => ({
        ...at,
        ...way,
      }));
    });
    tell(`${one.name}, not killed`, await stage.check(uncut, null, plan[0]?.loss ?? null));
    for (const [n, { point, nth, moment = 'before', loss = null }] of plan.entries()) {
      if (one.fresh === true) {
        await stage.dispose();
        stage = await openStage(one, random, loss);
      }
      const cut = await stage.attempt({ point, nth, moment });
      await stage.server().signal('SIGKILL');
      const where = `${one.name}: ${moment} ${point} (${nth}), ${loss ?? 'nothing'} lost, seed ${seed}`;
      if ((await stage.place.died()) === null) outcome.missed.push(where);
      else outcome.kills += 1;
      tell(where, await stage.check(cut, loss, plan[n + 1]?.loss ?? null));
    }
    return outcome;
  } finally {
    await stage.dispose();
  }
}

/** An attempt that was made, up to its end or up to the end of the process. */
interface Act {
  made: Attempt;
  before: View;
  reply: unknown;
}

/** A directory in which a case is played, and the server of the moment. */
async function openStage(one: Case, random: Random, loss: Loss) {
  const place = await openPlace();
  const start = (next: Loss) =>
    place.start({
      ...{ loss: next, seed: random.below(2 ** 31) },
      ...(one.env === undefined ? {} : { env: one.env(place) }),
    });
  let server = await start(loss);
  let n = 0;
  const world = (): World => ({ place, server, client: server.client, n });
  await one.setUp?.(world());
  return {
    place,
    server: () => server,
    dispose: place.dispose,
    async attempt(aim: Aim): Promise<Act> {
      n += 1;
      const made = await one.attempt(world());
      const before = await lookAtAll(server, place);
      await server.points(); // what it needed is done with, too
      await server.arm(aim);
      const reply = await server.whileAlive(() => made.act(server));
      await server.whileAlive(async () => one.over?.(world()) ?? settled(server));
      await server.points(); // answers when nothing is under way any more
      return { made, before, reply };
    },
    /** Starts the next server, which is to lose so much, and looks what does not hold there. */
    async check(act: Act, lost: Loss, next: Loss): Promise<string[]> {
      await server.signal('SIGKILL');
      server = await start(next);
      const faults = await faultsOf({ ...act, server, place, loss: lost });
      await act.made.after?.(server);
      return faults;
    },
  };
}

/** Points with how many of their kind there were up to them. */
export function numbered(points: readonly string[]): { point: string; nth: number }[] {
  const seen = new Map<string, number>();
  return points.map((point) => {
    const nth = (seen.get(point) ?? 0) + 1;
    seen.set(point, nth);
    return { point, nth };
  });
}

/** Only what is written has a half. */
export const waysOf = (point: string): Variant[] =>
  variants.filter(({ moment }) => moment !== 'half' || point.startsWith('write'));
/** What does not hold on the server that was started after the kill. */
async function faultsOf(
  given: Act & { server: FaultyServer; place: FaultyPlace; loss: Loss },
): Promise<string[]> {
  const { server, place, made, before, reply, loss } = given;
  await settled(server);
  const seqBefore = before.audit.at(-1)?.seq ?? 0;
  const after = await lookAtAll(server, place);
  const touches = new Set(made.touches);
  const faults = [
    ...generalFaults(after),
    ...changedFaults(before, after, touches, loss),
    ...auditFaults(before, after, loss, seqBefore),
    ...after.quarantined.filter((file) => !mayBeTorn(file)).map((file) => `in quarantine: ${file}`),
    ...(await made.faults({ before, after, reply, server })),
  ];
  if (made.again === undefined) return [...faults, ...(await leftovers(place, after))];
  const second = await made.again(server);
  await settled(server);
  const twice = await lookAtAll(server, place);
  return [
    ...faults,
    ...(await leftovers(place, twice)),
    ...generalFaults(twice),
    ...changedFaults(before, twice, touches, loss),
    ...(made.faultsAgain?.({ before, after: twice, reply: second, server }) ?? []).map(
      (fault) => `asked again: ${fault}`,
    ),
    ...(twice.verdict.verdict === 'whole' || twice.audit.length === after.audit.length
      ? []
      : [`asked again, the audit is ${twice.verdict.verdict}`]),
  ];
}

/** What of the audit was half written is no entry, and nobody was told of it: it is kept aside to be looked at. */
export const mayBeTorn = (file: string) => file.includes('audit-torn-line.txt');

function auditFaults(before: View, after: View, loss: Loss, seqBefore: number): string[] {
  const faults: string[] = [];
  const { verdict, at } = after.verdict;
  // The witness is not synced, so it may be behind; when only the process died, by what was never answered.
  const behind = verdict === 'unwitnessed' && (loss !== null || (at ?? 0) >= seqBefore);
  if (verdict !== 'whole' && !behind) faults.push(`the audit is ${verdict} at ${at}`);
  const last = before.audit.at(-1);
  if (last !== undefined && after.audit[before.audit.length - 1]?.mac !== last.mac)
    faults.push(`the audit entry ${last.seq} is lost`);
  return faults;
}
