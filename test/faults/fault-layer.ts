import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { type Answer, Orders, Told } from './aim.ts';
import { createGround } from './ground.ts';
import { patchFiles } from './patches.ts';

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

async function install(orders: Orders): Promise<void> {
  const ground = createGround(orders, (at) => {
    ground.crash();
    writeFileSync(join(orders.base, 'died'), at);
    process.kill(process.pid, 'SIGKILL');
    for (;;); // until the signal arrives
  });
  await patchFiles([ground]);
  syncBuiltinESMExports();

  const answer = (what: Answer) => process.send?.(what);
  process.on('message', (message) => {
    const told = Told.parse(message);
    if ('tell' in told) return void ground.points().then((points) => answer({ points }));
    if ('power' in told) return void ground.end('at rest');
    ground.arm(told.aim);
    return answer({ armed: true });
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref();
  process.on('exit', () =>
    writeFileSync(join(orders.base, 'points'), JSON.stringify(ground.pointsNow())),
  );
}
