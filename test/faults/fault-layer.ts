import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { type Aim, type Answer, type Moment, Orders, Told } from './aim.ts';
import { createForgetful } from './forgetful.ts';
import { type Change, patchHandles, patchPaths } from './patches.ts';
import { createRandom } from './random.ts';

/*
 * Loaded into the real server before everything else (`node --import`), so that what ships holds no trace of it. Every
 * call that changes something on the disk goes through here: it is counted, and at the one that was aimed at the process
 * kills itself. With a loss, what was not synced is taken back before; then every call is carried out at once, so that
 * none is under way at that moment, and a sync is only noted.
 */

/** As it was before anything was changed. */
const writeFileSync = fs.writeFileSync;

if (isMainThread && process.env.GIMO_FAULTS !== undefined) {
  const orders = Orders.parse(JSON.parse(process.env.GIMO_FAULTS));
  delete process.env.GIMO_FAULTS;
  await install(orders);
}

async function install({ base, loss, seed, aim: first }: Orders): Promise<void> {
  const forgetful = loss === null ? null : createForgetful();
  const random = createRandom(seed);
  let aim: Aim | undefined = first;
  let points: string[] = [];
  const seen = new Map<string, number>();
  let underWay = 0;

  /** Whether the process is to end at this call, and when. */
  const reach = (point: string): Moment | null => {
    if (aim === undefined) return null;
    points.push(point);
    const nth = (seen.get(point) ?? 0) + 1;
    seen.set(point, nth);
    if (aim === null) return null;
    const isAny = aim.point === null && points.length === aim.nth;
    return isAny || (aim.point === point && aim.nth === nth) ? aim.moment : null;
  };
  const die = (at: string): never => {
    if (loss !== null) forgetful?.crash(loss, random);
    writeFileSync(join(base, 'died'), at);
    process.kill(process.pid, 'SIGKILL');
    for (;;); // until the signal arrives
  };
  const change = async <T>({ point, run, atOnce, half }: Change<T>): Promise<T> => {
    const moment = reach(point);
    if (moment === 'before') die(`before ${point}`);
    if (moment === 'half' && half !== undefined) {
      half();
      die(`in ${point}`);
    }
    underWay += 1;
    try {
      const result =
        forgetful === null || atOnce === undefined ? await run() : await later(atOnce(forgetful));
      if (moment !== null) die(`after ${point}`);
      return result;
    } finally {
      underWay -= 1;
    }
  };
  await patchHandles(patchPaths({ base, forgetful, change }));
  syncBuiltinESMExports();

  const answer = (what: Answer) => process.send?.(what);
  process.on('message', (message) => {
    const told = Told.parse(message);
    if ('tell' in told) return void quiet(() => underWay > 0).then(() => answer({ points }));
    aim = told.aim;
    points = [];
    seen.clear();
    return answer({ armed: true });
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
  process.on('exit', () => writeFileSync(join(base, 'points'), JSON.stringify(points)));
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
