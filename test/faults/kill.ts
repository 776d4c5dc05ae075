import type { Aim, Moment, Orders } from './aim.ts';
import type { Attempt, Case, World } from './cases.ts';
import type { Hull } from './hull.ts';
import { type FaultyPlace, openPlace } from './place.ts';
import { createRandom, type Random } from './random.ts';
import type { FaultyServer } from './server.ts';
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
interface Planned extends Variant {
  point: string;
  nth: number;
}

const moments: readonly Moment[] = ['before', 'half', 'after'];
const losses: readonly Loss[] = [null, 'all', 'some', 'later'];
const variants = losses
  .flatMap((loss) => moments.map((moment) => ({ moment, loss })))
  // In front of a call it is as after the one before it, and this one takes twice as long.
  .filter(({ moment, loss }) => loss !== 'later' || moment !== 'before');

/** Kills in one directory, so that the looks at all that is in it stay short. */
const killsOfPlace = 12;

/** Gives room to work, when there is some; a hull, or null for processes of one server each. */
export type Lend = <T>(work: (hull: Hull | null) => Promise<T>) => Promise<T>;

/**
 * Kills a server at every point that an operation passes, one after the other in one data directory, or in several at
 * a time, each time starts it again, and looks whether everything holds.
 *
 * @param everyWay each point in every variant; otherwise in one, another from point to point and from seed to seed
 */
export async function killEverywhere(
  one: Case,
  seed: number,
  everyWay: boolean,
  lend: Lend,
): Promise<Outcome> {
  const random = createRandom(seed);
  const { points, faults } = await lend((hull) => passOnce(one, random, hull));
  const plan = planOf(points, random, everyWay);
  const parts: Planned[][] = [];
  while (plan.length > 0) parts.push(plan.splice(0, killsOfPlace));
  const outcomes = await Promise.all(
    parts.map((part) => {
      const own = createRandom(random.below(2 ** 31));
      return lend((hull) => killAt(one, part, own, hull));
    }),
  );
  const violations = outcomes.flatMap((outcome) => outcome.violations);
  return {
    points: points.length,
    kills: outcomes.reduce((sum, { kills }) => sum + kills, 0),
    missed: outcomes.flatMap(({ missed }) => missed),
    violations: [...faults, ...violations].map((fault) => `${one.name}: ${fault}, seed ${seed}`),
  };
}

/** The points of an operation that comes to its end, and what does not hold after that. */
async function passOnce(one: Case, random: Random, hull: Hull | null) {
  const stage = await openStage(one, random, null, hull);
  try {
    // What is made for the first time only is left to the cases that are about that.
    if (one.fresh === undefined) await stage.check(await stage.attempt(null), null, null);
    const uncut = await stage.attempt(null);
    const points = numbered((await stage.server().points()) ?? []);
    return { points, faults: await stage.check(uncut, null, null) };
  } finally {
    await stage.dispose();
  }
}

async function killAt(one: Case, part: readonly Planned[], random: Random, hull: Hull | null) {
  const outcome: Omit<Outcome, 'points'> = { kills: 0, missed: [], violations: [] };
  /** Each once: what is left behind once is found again each time. */
  const known = new Set<string>();
  const first = part[0]?.loss ?? null;
  let stage = await openStage(one, random, first, hull);
  try {
    if (one.fresh === undefined) await stage.check(await stage.attempt(null), null, first);
    for (const [n, { point, nth, moment, loss }] of part.entries()) {
      if (one.fresh === true && n > 0) {
        await stage.dispose();
        stage = await openStage(one, random, loss, hull);
      }
      const cut = await stage.attempt({ point, nth, moment });
      await stage.server().signal('SIGKILL');
      const where = `${moment} ${point} (${nth}), ${loss ?? 'nothing'} lost`;
      if ((await stage.place.died()) === null) outcome.missed.push(where);
      else outcome.kills += 1;
      for (const fault of await stage.check(cut, loss, part[n + 1]?.loss ?? null)) {
        if (!known.has(fault)) outcome.violations.push(`${where}: ${fault}`);
        known.add(fault);
      }
    }
    return outcome;
  } finally {
    await stage.dispose();
  }
}

/** Which point is tried in which variant. */
export function planOf(
  points: readonly { point: string; nth: number }[],
  random: Random,
  everyWay: boolean,
): Planned[] {
  let turn = random.below(variants.length);
  return points.flatMap((at) => {
    const ways = waysOf(at.point);
    turn += 1;
    const from = everyWay ? 0 : turn % ways.length;
    return ways.slice(from, everyWay ? ways.length : from + 1).map((way) => ({ ...at, ...way }));
  });
}

/** An attempt that was made, up to its end or up to the end of the process. */
interface Act {
  made: Attempt;
  before: View;
  reply: unknown;
}

/** A directory in which a case is played, and the server of the moment. */
async function openStage(one: Case, random: Random, loss: Loss, hull: Hull | null) {
  const place = await openPlace(hull);
  const start = (next: Loss) =>
    place.start({
      ...{ loss: next, seed: random.below(2 ** 31) },
      ...(one.env === undefined ? {} : { env: one.env(place) }),
    });
  let server = await start(loss);
  const become = (next: FaultyServer) => {
    server = next;
    return next;
  };
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
      const late: string[] = [];
      if (lost === 'later') {
        server = await start('all');
        late.push(...(await lostLater(act, server, place, () => start(next).then(become))));
      } else server = await start(next);
      const loss = lost === 'later' ? 'all' : lost;
      const faults = await faultsOf({ ...act, server, place, loss });
      await act.made.after?.(server);
      return [...late, ...faults];
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
const waysOf = (point: string): Variant[] =>
  variants.filter(({ moment }) => moment !== 'half' || point.startsWith('write'));

/**
 * The process was killed, a server was started and has looked at what there was, and now the power goes: what that one
 * showed, whoever looked at it may have relied on.
 */
async function lostLater(
  act: Act,
  server: FaultyServer,
  place: FaultyPlace,
  startNext: () => Promise<FaultyServer>,
): Promise<string[]> {
  await settled(server);
  await server.points();
  const shown = await lookAtAll(server, place);
  await server.powerOff();
  const next = await startNext();
  await settled(next);
  const after = await lookAtAll(next, place);
  return [
    ...generalFaults(shown),
    ...changedFaults(act.before, shown, new Set(act.made.touches), null),
    ...lostFaults(shown, after),
  ];
}

/** What a server showed, and the next one does not any more, since the power went. */
export const lostFaults = (shown: View, after: View): string[] => [
  ...changedFaults(shown, after, new Set(), 'all').map((fault) => `after the power cut, ${fault}`),
  ...shown.audit
    .filter(({ mac }, n) => after.audit[n]?.mac !== mac)
    .map(({ seq }) => `after the power cut, the audit entry ${seq} is lost`),
];

/** What does not hold on the server that was started after the kill. */
async function faultsOf(
  given: Act & { server: FaultyServer; place: FaultyPlace; loss: Loss },
): Promise<string[]> {
  const { server, place, made, before, reply, loss } = given;
  await settled(server);
  await server.points(); // what the start does behind, such as taking away a log, is done with, too
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
  if (made.again === undefined) return [...faults, ...(await leftovers(server, place, after))];
  const second = await made.again(server);
  await settled(server);
  await server.points();
  const twice = await lookAtAll(server, place);
  return [
    ...faults,
    ...(await leftovers(server, place, twice)),
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
  const witnessed = before.verdict.verdict === 'unwitnessed' ? before.verdict.at : seqBefore;
  const behind = verdict === 'unwitnessed' && (loss !== null || (at ?? 0) >= (witnessed ?? 0));
  if (verdict !== 'whole' && !behind) faults.push(`the audit is ${verdict} at ${at}`);
  const last = before.audit.at(-1);
  if (last !== undefined && after.audit[before.audit.length - 1]?.mac !== last.mac)
    faults.push(`the audit entry ${last.seq} is lost`);
  return faults;
}
