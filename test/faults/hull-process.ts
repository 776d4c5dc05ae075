import module from 'node:module';
import { pathToFileURL } from 'node:url';
import { type HullAnswer, ToldHull } from './aim.ts';
import { createGround, type Ground } from './ground.ts';
import { patchFiles } from './patches.ts';

/*
 * A process in which several real servers run, each with a directory of its own: `hull-process.ts <dist/host.js>`. Each
 * stands still where it is to end: nothing of it reaches the disk from there on. Once all do, the process is killed, and
 * each of them has died at its point. That a process is begun only once for all of them is what pays for trying every
 * point each time.
 */

const [, , hostFile = ''] = process.argv;
const grounds: Ground[] = [];
const byId = new Map<number, Ground>();
/** Those that stand still. */
const reached = new Set<Ground>();
const tell = (what: HullAnswer) => process.send?.(what);

await patchFiles(grounds);
module.syncBuiltinESMExports();
const host: typeof import('../../src/http/host.ts') = await import(pathToFileURL(hostFile).href);

type Start = Extract<ToldHull, { start: unknown }>;

async function start({ id, start: { root, env, orders } }: Start): Promise<void> {
  const ground = createGround(orders, (at) => {
    reached.add(ground);
    tell({ id, reached: at });
  });
  grounds.push(ground);
  byId.set(id, ground);
  try {
    const { url } = await host.startHost({
      ...{ root, port: 0, hostedBy: 'headless', version: '0.0.0', env },
      logger: { log: () => undefined },
    });
    tell({ id, listening: url });
  } catch (error) {
    tell({ id, failed: String(error) });
  }
}

function end(): never {
  const flush: unknown = Reflect.get(module, 'flushCompileCache'); // Node 20 has none
  if (typeof flush === 'function') flush();
  for (const ground of reached) ground.crash();
  process.kill(process.pid, 'SIGKILL');
  for (;;); // until the signal arrives
}

process.on('message', (message) => {
  const told = ToldHull.parse(message);
  if ('end' in told) return end();
  if ('start' in told) return void start(told);
  const ground = byId.get(told.id);
  if (ground === undefined) throw new Error(`There is no server ${told.id}.`);
  const { id } = told;
  if ('power' in told.told) return void ground.end('at rest');
  if ('tell' in told.told)
    return void ground.points().then((points) => tell({ id, answer: { points } }));
  ground.arm(told.told.aim);
  return tell({ id, answer: { armed: true } });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
