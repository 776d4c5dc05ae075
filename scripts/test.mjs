/*
 * Runs the quality gates and the levels of the tests, and sums them up: all that CI runs, or the levels that are named.
 *
 *   node scripts/test.mjs [unit|api|faults|host|e2e]...
 *   node scripts/test.mjs --all        what `npm run check` runs: all that CI runs, and what npm knows of vulnerabilities
 *
 * The last line is `N passed, N failed`. A gate or a level that could not run, or that is empty, counts as a failure, and
 * so does a test that was skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { auditGates } from './gates/audit.ts';
import { docsGate } from './gates/docs.ts';
import { licencesGate } from './gates/licences.ts';
import { packageGate } from './gates/package.ts';
import { sizesGate } from './gates/sizes.ts';

const root = path.dirname(import.meta.dirname);
const bin = (file) => path.join(root, 'node_modules', file);
/* A program that tells by its exit code, or a gate that tells what it found; in this order, as some look at the build. */
const checks = [
  {
    ...{ name: 'lint', args: [bin('@biomejs/biome/bin/biome'), 'check', '.'] },
    what: 'biome: rules, format, arrows between the layers',
  },
  { name: 'types', args: [bin('typescript/bin/tsc')], what: 'tsc: src, test, scripts' },
  {
    ...{ name: 'types of the panel', args: [bin('typescript/bin/tsc'), '-p', 'webview'] },
    what: 'tsc: webview',
  },
  {
    ...{ name: 'dead code', args: [bin('knip/bin/knip.js'), '--no-progress'] },
    what: 'knip: files, exports and dependencies that nothing uses',
  },
  { name: 'docs', gate: docsGate },
  {
    ...{ name: 'build', args: [path.join(root, 'esbuild.mjs')] },
    what: 'esbuild: bundles, notices; no package in what activates',
  },
  { name: 'package', gate: packageGate },
  { name: 'sizes', gate: sizesGate },
  { name: 'licences', gate: licencesGate },
];
const levelWords = {
  unit: 'tests: rules of each layer, lockfile, manifest',
  api: 'tests: the real server over HTTP',
  faults: 'tests: killed servers, bad disks, two windows',
  host: "tests: in a real editor's extension host",
  e2e: 'tests: in the real workbench',
};
const levels = Object.keys(levelWords);

const given = process.argv.slice(2);
const withAudit = given.length === 1 && given[0] === '--all';
const wanted = withAudit ? [] : given;
const unknown = wanted.filter((name) => !levels.includes(name));
if (unknown.length > 0) {
  console.error(`There is no level ${unknown.join(', ')}; there are ${levels.join(', ')}.`);
  process.exit(2);
}

const rows = [];
if (wanted.length === 0) for (const check of checks) rows.push(runCheck(check));
if (withAudit) rows.push(...runAudit());
for (const level of wanted.length === 0 ? levels : wanted) rows.push(runLevel(level));
tell(rows);

function runNode(name, args) {
  console.log(`\n== ${name}`);
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

function runCheck({ name, args, gate, what }) {
  if (gate === undefined) return rowOf(name, runNode(name, args).status === 0, what);
  console.log(`\n== ${name}`);
  return orFault(name, () => rowOfVerdict({ name, ...gate(root) }))[0];
}

function runAudit() {
  console.log('\n== audit');
  return orFault('audit', () => auditGates(root).map(rowOfVerdict));
}

/** A gate that cannot look, as after a build that failed, has not passed. */
function orFault(name, work) {
  try {
    return [work()].flat();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [rowOfVerdict({ name, faults: [why], what: `could not look: ${why.split('\n')[0]}` })];
  }
}

function rowOfVerdict({ name, faults, what }) {
  for (const fault of faults) console.error(fault);
  console.log(what);
  return rowOf(name, faults.length === 0, what);
}

function rowOf(name, passed, what) {
  return { name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, what };
}

function runLevel(name) {
  if (globSync(`test/${name}/**/*.test.ts`, { cwd: root }).length === 0)
    return { name, passed: 0, failed: 1, what: 'there are no tests' };
  const report = path.join(root, 'test-results', `${name}.json`);
  rmSync(report, { force: true });
  const { status } = runNode(name, runnerOf(name, report));
  const found = readReport(report);
  // A file that could not be loaded, or an error outside of any test, fails the run without a failed test.
  const outside = status !== 0 && found.failed === 0 ? 1 : 0;
  const failed = found.failed + found.skipped.length + outside;
  const { passed, titles } = found;
  return { name, passed, failed, what: levelWords[name], titles };
}

/** What runs a level, and leaves a report in the form of vitest's. */
function runnerOf(name, report) {
  if (name === 'host') return [path.join(root, 'test/host/run.ts'), report];
  return [
    ...[bin('vitest/vitest.mjs'), 'run', '--project', name],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ];
}

function readReport(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: [], titles: [] };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const all = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const others = all.filter(({ status }) => status !== 'passed');
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: others.filter(({ status }) => status !== 'failed'),
    titles: others.map(({ status, fullName, failureMessages = [] }) =>
      [`${status}: ${fullName}`, ...firstLines(failureMessages)].join('\n    '),
    ),
  };
}

/** What a failure says, without its stack: whoever has only the end of the output can still begin. */
function firstLines(messages) {
  return messages.flatMap((message) => message.split('\n').slice(0, 6));
}

function tell(all) {
  const width = Math.max(...all.map(({ name }) => name.length)) + 2;
  console.log();
  for (const { name, passed, failed, what } of all) {
    const counts = `${String(passed).padStart(6)} passed ${String(failed).padStart(6)} failed`;
    console.log(`${name.padEnd(width)}${counts}  ${what}`);
  }
  for (const { name, titles = [] } of all)
    for (const title of titles) console.log(`\n${name}: ${title}`);
  const sum = (key) => all.reduce((total, row) => total + row[key], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}
