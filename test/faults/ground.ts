import type { Aim, Moment, Orders } from './aim.ts';
import { createForgetful, type Forgetful } from './forgetful.ts';
import type { Change } from './patches.ts';
import { createRandom } from './random.ts';

/** The files of one server, and where it ends. */
export interface Ground {
  /** Calls below this directory count. */
  readonly base: string;
  /** Null: nothing is forgotten. */
  readonly forgetful: Forgetful | null;
  /** Carries out a call that changes something, or ends the server at it. */
  change<T>(what: Change<T>): Promise<T>;
  /** Carries out a call that only looks; as long as it is under way, the server is not at rest. */
  look<T>(run: () => Promise<T>): Promise<T>;
  arm(aim: Aim): void;
  /** The calls since it was armed, once nothing is under way. */
  points(): Promise<string[]>;
  /** The calls so far. */
  pointsNow(): readonly string[];
  /** Ends the server now. */
  end(why: string): Promise<never>;
  /** Takes back what was not synced, or writes down what it was for the next server. */
  crash(): void;
}

/**
 * @param ends what happens where the server is to end: if the process does not end in it, nothing of this server is
 *   carried out any more
 */
export function createGround(
  { base, loss, seed, aim: first }: Orders,
  ends: (at: string) => void,
): Ground {
  const forgetful = loss === null ? null : createForgetful(base);
  const random = createRandom(seed);
  let aim: Aim | undefined = first;
  let points: string[] = [];
  const seen = new Map<string, number>();
  let underWay = 0;
  let ended: Promise<never> | null = null;

  /** Whether it is to end at this call, and when. */
  const reach = (point: string): Moment | null => {
    if (aim === undefined) return null;
    points.push(point);
    const nth = (seen.get(point) ?? 0) + 1;
    seen.set(point, nth);
    if (aim === null) return null;
    const isAny = aim.point === null && points.length === aim.nth;
    return isAny || (aim.point === point && aim.nth === nth) ? aim.moment : null;
  };
  const end = (at: string): Promise<never> => {
    // What waits for it is held by it, open files too, and it by this ground.
    ended = new Promise(() => undefined);
    ends(at);
    return ended;
  };
  const busy = async <T>(run: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await run();
    } finally {
      underWay -= 1;
    }
  };
  return {
    ...{ base, forgetful, look: busy, end },
    async change({ point, run, atOnce, half }) {
      if (ended !== null) return ended;
      const moment = reach(point);
      if (moment === 'before') return end(`before ${point}`);
      if (moment === 'half' && half !== undefined) {
        half();
        return end(`in ${point}`);
      }
      const result = await busy(async () =>
        forgetful === null || atOnce === undefined ? run() : later(atOnce(forgetful)),
      );
      // Waited for here, so that what stands still holds the result, too: a file that was opened must not be collected.
      if (moment !== null && ended === null) await end(`after ${point}`);
      return result;
    },
    arm(next) {
      aim = next;
      points = [];
      seen.clear();
    },
    async points() {
      await quiet(() => underWay > 0);
      return points;
    },
    pointsNow: () => points,
    crash() {
      if (loss === 'later') forgetful?.handOver();
      else if (loss !== null) forgetful?.crash(loss, random);
    },
  };
}

function later<T>(value: T): Promise<T> {
  return new Promise((resolve) => setImmediate(resolve, value));
}

/** Resolves once nothing has been under way for a while: what follows one call comes within a few turns. */
async function quiet(isBusy: () => boolean): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) {
    await later(undefined);
    if (isBusy()) turns = 0;
  }
}
