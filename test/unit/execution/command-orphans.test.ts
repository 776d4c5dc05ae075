import { expect, it } from 'vitest';
import { freshRunId, leftOf, startHost, untilNobody, withCommands } from './command-support.ts';

/** Families of every kind; each ends by itself within ten minutes if nobody ends it. */
const scripts = [
  'echo up; exec sleep 600',
  'sleep 600 & echo up; wait',
  'trap "" TERM INT HUP; sleep 600 & echo up; wait',
  'trap "" TERM; sh -c "sh -c \'sleep 600 & sleep 600\' & sleep 600" & echo up; wait',
  'setsid sleep 600 & timeout 600 sleep 600 & echo up; wait',
  'trap "" TERM; setsid sh -c "sleep 600 & sleep 600" & echo up; while :; do sleep 0.05 & wait; done',
  'sleep 600 & setsid sleep 600 & echo up',
  'echo up; yes | head -c 20000000; sleep 600',
];

const wanted = 200;
const hosts = 10;
const perHost = 10;
const atOnce = 10;

/* Mulberry32: the same numbers from the same seed, so that what fails can be run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it(`after ${wanted} random cancels and kills nothing of any command is left`, async () => {
  const seed = Number(process.env.GIMO_TEST_SEED ?? Date.now() % 2 ** 31);
  const random = randomOf(seed);
  const pick = () => scripts[Math.floor(random() * scripts.length)] ?? '';
  const began = performance.now();
  const { root, sh, script } = await withCommands();
  const runIds: string[] = [];
  const became = { cancelled: 0, ended: 0, killed: 0 };

  // Cancels, at any moment from before the warden stands until long after.
  let toCancel = wanted - hosts * perHost;
  const cancelSome = async () => {
    while (toCancel-- > 0) {
      const run = script(pick());
      runIds.push(run.runId);
      const settled = run.outcome.then(
        () => 'ended' as const,
        () => 'cancelled' as const,
      );
      const stands = random() < 0.5 ? run.line(/up/).catch(() => null) : null;
      await stands;
      await Promise.race([after(random() * 600), settled]);
      run.cancel();
      became[await settled] += 1;
    }
  };
  // Kills, of processes that run many commands, some of which have not begun while others have ended.
  const killSome = async () => {
    for (let n = 0; n < hosts; n++) {
      const host = await startHost(root, sh, Array.from({ length: perHost }, pick));
      runIds.push(...host.runIds);
      await host.noted(1 + Math.floor(random() * perHost));
      await after(random() * 400);
      await host.kill();
      became.killed += perHost;
    }
  };
  await Promise.all([...Array.from({ length: atOnce }, cancelSome), killSome()]);

  const took = await untilNobody(() => leftOf(runIds));
  expect(new Set(runIds).size).toBe(wanted);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${wanted} commands (${became.cancelled} cancelled, ${became.ended} ended meanwhile, ${became.killed} whose server was killed): 0 processes left, ${took.toFixed(0)} ms after the last; ${seconds} s, seed ${seed}`,
  );
}, 180_000);

it('a family is found by its mark, so the count above means something', async () => {
  const { script } = await withCommands();
  const run = script('setsid sh -c "echo up; sleep 600" & wait');
  await run.line(/up/);
  expect((await leftOf([run.runId])).length).toBeGreaterThanOrEqual(3);
  expect(await leftOf([freshRunId()])).toEqual([]);
  run.cancel();
  await expect(run.outcome).rejects.toThrow('cancelled');
});
