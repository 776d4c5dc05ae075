import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '../faults/random.ts';
import { something } from './soak/acts.ts';
import { type Caller, createBadges, createCaller, type Place } from './soak/caller.ts';
import { readSamples } from './soak/memory.ts';
import { type Process, processesOf } from './soak/processes.ts';
import { finish, type Outcome } from './soak/report.ts';
import { createTally } from './soak/tally.ts';
import { type Found, openSoakWindow, type SoakWindow } from './soak/window.ts';
import type { World } from './soak/world.ts';

/*
 * `npm run soak [-- --minutes 60]`: ten clients with five operations a second each on the server of a real editor, whose
 * window is loaded again and again. Tells whether memory stays flat, and whether everything was answered and kept. Writes
 * what it found to test-results/soak.json, and fails if something is wrong.
 */

const clients = 10;
const perSecond = 5;
/** Of each client, at most so many are under way at once. */
const atOnce = 4;

const minutes = numberAfter('--minutes', 60);
const isLong = minutes >= 20;
const sampleMs = isLong ? 30_000 : 5_000;
const seed = numberAfter('--seed', Date.now() % 1_000_000);
const root = path.dirname(path.dirname(import.meta.dirname));
const results = path.join(root, 'test-results');
const tally = createTally();
const random = createRandom(seed);

function numberAfter(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`${name} takes a number above 0.`);
  process.exit(2);
}

/**
 * Loads the window again from time to time, and knows where its server is. Where the editor does not notice in time that
 * the page went away, it keeps the extension host for some minutes: then the new window attaches to the server in there,
 * and takes over when that host ends.
 */
function placeOf(window: SoakWindow, first: Found, outcome: Outcome, memory: string) {
  let server = first;
  let loading: Promise<void> | null = null;
  let lingers = false;
  const became = (found: Found) => {
    const before = outcome.hosts.at(-1);
    if (before !== undefined && found.epoch <= server.epoch) return;
    [server, lingers] = [found, false];
    const now = Date.now();
    if (before !== undefined) before.to = now;
    outcome.hosts.push({ pid: found.pid, from: now, to: now });
  };
  became(first);
  const place: Place & { reload(): Promise<void> } = {
    server: () => server,
    reloading: () => loading !== null || lingers,
    async after(epoch) {
      await loading;
      if (server.epoch <= epoch) became(await window.server(epoch));
      return server;
    },
    async reload() {
      const began = performance.now();
      const { pid, epoch } = server;
      const work = async () => {
        await window.reload();
        became(await window.server());
        lingers = server.epoch === epoch;
        if (lingers) outcome.attached += 1;
      };
      loading = work().finally(() => {
        loading = null;
      });
      await loading;
      outcome.reloads.push(Math.round(performance.now() - began));
      tellProgress(outcome, memory, pid);
    },
  };
  return place;
}

function tellProgress(outcome: Outcome, memory: string, pid: number): void {
  const { answers, faults } = tally.report();
  const after = ((Date.now() - outcome.startedAt) / 60_000).toFixed(1);
  const used = (readSamples(memory).get(pid)?.at(-1)?.heapUsed ?? 0) / 2 ** 20;
  console.log(
    `${after} min: reload ${outcome.reloads.length}, ${answers} answers, ${Object.keys(faults).length} kinds of faults, the host before ended with ${used.toFixed(0)} MB of heap`,
  );
}

/** Keeps its pace as long as it is answered in time, and does not make up for what it missed. */
async function live(caller: Caller, world: World, signal: AbortSignal): Promise<void> {
  const step = 1000 / perSecond;
  const underWay = new Set<Promise<void>>();
  let next = performance.now() + random.below(step);
  while (!signal.aborted) {
    const now = performance.now();
    if (now < next) await wait(next - now);
    next = Math.max(next + step, now - step);
    if (underWay.size >= atOnce) await Promise.race(underWay);
    const one = something(caller, world, random).finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
  caller.stop();
}

/** The person: loads the window again at odd times, and puts away what piles up. */
async function person(
  window: SoakWindow,
  place: { reload(): Promise<void> },
  until: number,
  signal: AbortSignal,
) {
  const rest = async (ms: number) => {
    await wait(Math.max(0, ms), undefined, { signal }).catch(() => undefined); // it ends early
  };
  const [least, spread] = isLong ? [180_000, 360_000] : [30_000, 45_000];
  while (!signal.aborted) {
    const pause = least + random.below(spread);
    await rest(Math.min(pause, until - Date.now()));
    if (until - Date.now() < 20_000) break;
    if (signal.aborted) return;
    try {
      await window.tidy();
      await place.reload();
    } catch (error) {
      tally.fault(`the window could not be loaded again: ${String(error).slice(0, 300)}`);
    }
  }
  await rest(until - Date.now());
}

async function prepare(caller: Caller, world: World): Promise<void> {
  await caller.ask('setConfig', {
    max_concurrent_runs: 8,
    command_allowlist: [{ program: world.program, args_prefix: [] }],
  });
  await caller.ask('setAllowlist', { paths: [{ path: '.', expires_at: '9999-01-01T00:00:00Z' }] });
}

/** Ends what is under way, and asks the server for what it has. */
async function settle(caller: Caller, outcome: Outcome): Promise<void> {
  const open = ['pending', 'running', 'paused'] as const;
  const deadline = AbortSignal.timeout(120_000);
  for (;;) {
    const runs = await caller.ask('listRuns', { status: [...open], view: 'summary' });
    if (runs?.length === 0) break;
    if (deadline.aborted) {
      tally.fault(`${runs?.length} runs do not end`);
      break;
    }
    for (const { id } of runs ?? []) await caller.ask('cancelRun', { run_id: id });
    await wait(200);
  }
  const verdict = await caller.ask('verifyAudit', {});
  outcome.verdict = verdict?.verdict ?? 'not told';
  const status = await caller.ask('getStatus', {});
  if (status === undefined) return;
  const sum = (counts: Record<string, number>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  const { drafts, approved, runs, quarantined } = status;
  const counts = { drafts: sum(drafts), approved, runs: sum(runs) };
  outcome.records = { ...counts, quarantined: quarantined.length };
}

/** Commands and their watchers that are there although no run is under way. */
const leftRunning = (world: World, scratch: string): Process[] =>
  processesOf(scratch).filter(
    ({ args }) => args.includes(world.mark) || args.includes('warden.js'),
  );

/** Lets the clients at the window's server, for as long as it is to take or until somebody ends it. */
async function load(window: SoakWindow, world: World, outcome: Outcome, memory: string) {
  const place = placeOf(window, await window.server(), outcome, memory);
  const badges = createBadges(await window.tokens());
  const first = createCaller('c0', place, badges, tally);
  const others = Array.from({ length: clients - 1 }, (_, n) =>
    createCaller(`c${n + 1}`, place, badges, tally),
  );
  await prepare(first, world);
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort());
  const ended = Promise.all([first, ...others].map((one) => live(one, world, ending.signal)));
  outcome.startedAt = Date.now();
  console.log(`soak: ${minutes} minutes, seed ${seed}, the host is ${place.server().pid}`);
  await person(window, place, outcome.startedAt + minutes * 60_000, ending.signal);
  ending.abort();
  outcome.minutes = (Date.now() - outcome.startedAt) / 60_000;
  await ended;
  await settle(first, outcome);
  const host = outcome.hosts.at(-1);
  if (host !== undefined) host.to = Date.now();
}

async function soak(scratch: string): Promise<void> {
  const memory = path.join(scratch, 'memory');
  mkdirSync(memory);
  const outcome: Outcome = {
    ...{ minutes, seed, startedAt: Date.now(), hosts: [], reloads: [], attached: 0 },
    ...{ verdict: 'not told', records: {}, orphans: { running: [], ended: [] } },
  };
  const world: World = {
    ...{ drafts: [], artifacts: [], live: [], over: [], count: 0 },
    ...{ program: realpathSync(process.execPath), mark: path.join(scratch, 'command') },
  };
  const window = await openSoakWindow(scratch, memory, sampleMs, results);
  try {
    await load(window, world, outcome, memory);
    outcome.orphans.running = leftRunning(world, scratch);
    const data = path.join(window.folder, '.orch_data');
    outcome.records.files = readdirSync(data, { recursive: true }).length;
    await window.closePage();
  } finally {
    await window.close();
  }
  outcome.orphans.ended = processesOf(scratch);
  const isWell = finish(outcome, tally.report(), memory, path.join(results, 'soak.json'));
  process.exitCode = isWell ? 0 : 1;
}

const scratch = realpathSync(mkdtempSync(path.join(tmpdir(), 'gimo-soak-')));
try {
  await soak(scratch);
} catch (error) {
  // What it came to until then is worth as much as why it ended.
  writeFileSync(path.join(results, 'soak-ended.json'), JSON.stringify(tally.report(), null, 2));
  console.error(error);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}
// Clients whose server is gone would wait for another one.
process.exit();
