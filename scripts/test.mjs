/*
 * Runs the levels of the tests and sums them up: all that CI runs, or those that are named.
 *
 *   node scripts/test.mjs [unit|api|faults|host|e2e]...
 *
 * The last line is `N passed, N failed`. A level that could not run, or that is empty, counts as a
 * failure, and so does a test that was skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const bin = (file) => path.join(root, 'node_modules', file);
const checks = [
  { name: 'lint', args: [bin('@biomejs/biome/bin/biome'), 'check', '.'] },
  { name: 'types', args: [bin('typescript/bin/tsc')] },
  { name: 'types of the panel', args: [bin('typescript/bin/tsc'), '-p', 'webview'] },
  { name: 'build', args: [path.join(root, 'esbuild.mjs')] },
];
const levels = ['unit', 'api', 'faults', 'host', 'e2e'];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !levels.includes(name));
if (unknown.length > 0) {
  console.error(`There is no level ${unknown.join(', ')}; there are ${levels.join(', ')}.`);
  process.exit(2);
}

const rows = [];
if (wanted.length === 0) for (const check of checks) rows.push(runCheck(check));
for (const level of wanted.length === 0 ? levels : wanted) rows.push(runLevel(level));
tell(rows);

function runNode(name, args) {
  console.log(`\n== ${name}`);
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

function runCheck({ name, args }) {
  const passed = runNode(name, args).status === 0;
  return { name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, what: 'check' };
}

function runLevel(name) {
  if (globSync(`test/${name}/**/*.test.ts`, { cwd: root }).length === 0)
    return { name, passed: 0, failed: 1, what: 'tests (there are none)' };
  const report = path.join(root, 'test-results', `${name}.json`);
  rmSync(report, { force: true });
  const { status } = runNode(name, runnerOf(name, report));
  const found = readReport(report);
  // A file that could not be loaded, or an error outside of any test, fails the run without a failed test.
  const outside = status !== 0 && found.failed === 0 ? 1 : 0;
  for (const title of found.skipped) console.log(`skipped: ${title}`);
  const failed = found.failed + found.skipped.length + outside;
  return { name, passed: found.passed, failed, what: 'tests' };
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
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: [] };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const all = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const others = all.filter(({ status }) => status !== 'passed' && status !== 'failed');
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: others.map(({ fullName }) => fullName),
  };
}

function tell(all) {
  console.log();
  for (const { name, passed, failed, what } of all)
    console.log(
      `${name.padEnd(8)}${String(passed).padStart(6)} passed ${String(failed).padStart(6)} failed  ${what}`,
    );
  const sum = (key) => all.reduce((total, row) => total + row[key], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}
