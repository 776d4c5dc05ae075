import { writeFileSync } from 'node:fs';
import { pointsOf, readSamples, type Sample, type Trend, trendOf } from './memory.ts';
import type { Process } from './processes.ts';
import type { TallyReport } from './tally.ts';

/** What a soak came to. */
export interface Outcome {
  minutes: number;
  seed: number;
  startedAt: number;
  hosts: { pid: number; from: number; to: number }[];
  /** Milliseconds that each took. */
  reloads: number[];
  /** Reloads after which the window worked on the server of the host before, which had not ended. */
  attached: number;
  verdict: string;
  records: Record<string, number>;
  /** Processes that were left while the editor still ran, and after it had ended. */
  orphans: { running: Process[]; ended: Process[] };
}

/** Minutes at the start of a soak, and of each process, that say nothing about growth. */
const warmUp = { soak: 5, process: 1 };

/** Prints what a soak came to and keeps it as JSON. @returns whether everything that must hold did */
export function finish(
  outcome: Outcome,
  tally: TallyReport,
  memory: string,
  file: string,
): boolean {
  const trends = trendsOf(outcome, readSamples(memory));
  const faults = faultsOf(outcome, tally);
  writeFileSync(
    file,
    `${JSON.stringify({ ...outcome, ...tally, memory: trends, faults }, null, 2)}\n`,
  );
  const rate = tally.answers / (outcome.minutes * 60);
  const mb = ({ slope, first, last, most, points }: Trend) =>
    `${slope === null ? 'too short for a slope' : `${slope.toFixed(1)} MB an hour`}; ${first.toFixed(0)} to ${last.toFixed(0)} MB, at most ${most.toFixed(0)} (${points} samples)`;
  const rows = [
    ['minutes', outcome.minutes.toFixed(1)],
    ['operations answered', `${tally.answers} (${rate.toFixed(1)} a second)`],
    ['milliseconds until an answer', pairs(tally.took)],
    ['by status', pairs(tally.byStatus)],
    ['by role', pairs(tally.byRole)],
    ['events received', String(tally.events)],
    ['cut off by the client', String(tally.cut)],
    ['answers of 500 and more', pairs(tally.serverErrors)],
    ['reloads of the window', `${outcome.reloads.length}, each ${outcome.reloads.join(', ')} ms`],
    ['reloads that attached to the host before', String(outcome.attached)],
    ['connections lost in them', String(tally.lostWhileReloading)],
    ['longest time without an answer', `${tally.longestGapMs} ms`],
    ['audit', outcome.verdict],
    ['records', pairs(outcome.records)],
    ['orphans', String(outcome.orphans.running.length + outcome.orphans.ended.length)],
    ...Object.entries(trends).map(([name, trend]) => [name, mb(trend)]),
    ['faults', faults.length === 0 ? 'none' : `${faults.length}:\n  ${faults.join('\n  ')}`],
  ];
  console.log();
  for (const [name = '', value = ''] of rows) console.log(`${name.padEnd(44)}${value}`);
  return faults.length === 0;
}

const pairs = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');

function faultsOf(outcome: Outcome, tally: TallyReport): string[] {
  const { running, ended } = outcome.orphans;
  const faults = Object.entries(tally.faults).map(([text, count]) => `${text} (${count} times)`);
  if (tally.serverErrors.all > 0) faults.push(`${tally.serverErrors.all} answers of 500 and more`);
  if (outcome.verdict !== 'whole') faults.push(`the audit is ${outcome.verdict}`);
  if ((outcome.records.quarantined ?? 0) > 0) faults.push('there are files in quarantine');
  for (const { pid, args } of [...running, ...ended]) faults.push(`left behind: ${pid} ${args}`);
  return faults;
}

/** Of the process that hosts the server, over all of its lives and within them, and of the editor's own server. */
function trendsOf(outcome: Outcome, samples: Map<number, Sample[]>): Record<string, Trend> {
  const from = outcome.startedAt + Math.min(warmUp.soak, outcome.minutes / 4) * 60_000;
  const settled = Math.min(warmUp.process, outcome.minutes / 8) * 60_000;
  const lives = outcome.hosts.map((host) =>
    (samples.get(host.pid) ?? []).filter(
      ({ at }) => at >= from && at >= host.from + settled && at <= host.to,
    ),
  );
  const hosts = new Set(outcome.hosts.map(({ pid }) => pid));
  const peak = (all: readonly Sample[]) => Math.max(...all.map(({ rss }) => rss));
  // Beside the server there is what started it, which does nothing.
  const [server = []] = [...samples]
    .filter(([pid, all]) => !hosts.has(pid) && all[0]?.what === 'server')
    .map(([, all]) => all.filter(({ at }) => at >= from))
    .sort((one, other) => peak(other) - peak(one));
  const used = ({ heapUsed, external }: Sample) => heapUsed + external;
  const rss = ({ rss: of }: Sample) => of;
  return {
    'host: in use, all in one line': trendOf([pointsOf(lives.flat(), used)]),
    'host: in use, within each life': trendOf(lives.map((life) => pointsOf(life, used))),
    'host: RSS, all in one line': trendOf([pointsOf(lives.flat(), rss)]),
    "editor's server: in use": trendOf([pointsOf(server, used)]),
    "editor's server: RSS": trendOf([pointsOf(server, rss)]),
  };
}
