import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/** Called by the extension host, which takes a rejection for a failed run. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, retries: 0, color: false });
  const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.test.cjs')).sort())
    mocha.addFile(path.join(__dirname, file));
  const results: { status: string; fullName: string; failureMessages: string[] }[] = [];
  const failed = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    const note = (status: string) => (test: Mocha.Runnable, error?: Error) =>
      results.push({
        status,
        fullName: test.fullTitle(),
        failureMessages: error === undefined ? [] : [error.stack ?? error.message],
      });
    runner.on('pass', note('passed'));
    runner.on('pending', note('skipped'));
    runner.on('fail', note('failed'));
  });
  writeReport(results);
  if (failed > 0) throw new Error(`${failed} tests failed.`);
}

/** In the form of vitest's JSON reporter, which scripts/test.mjs reads. */
function writeReport(results: readonly { status: string }[]): void {
  const file = process.env.GIMO_HOST_REPORT;
  if (file === undefined) return;
  const count = (status: string) => results.filter((one) => one.status === status).length;
  const report = {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    testResults: [{ assertionResults: results }],
  };
  writeFileSync(file, JSON.stringify(report, null, 2));
}
