import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';

/*
 * Runs the Mocha suite inside a real extension host, with the extension as it was built:
 *
 *   node test/host/run.ts [REPORT]
 *
 * REPORT is where the results go, in the form of vitest's JSON reporter. What `@vscode/test-electron` takes for a
 * desktop editor is shim/code, unless VSCODE_PATH names a real one.
 */

const root = path.dirname(path.dirname(import.meta.dirname));
const suite = path.join(root, '.vscode-test', 'host-suite');
const report = path.resolve(process.argv[2] ?? path.join(root, 'test-results', 'host.json'));
const models = 'gimo-tests.models';
const shim = path.join(import.meta.dirname, 'shim', 'code');

const scratch = mkdtempSync(path.join(tmpdir(), 'gimo-host-'));
try {
  await bundle();
  process.exitCode = await run();
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}

/** Builds the extension, and each test file beside the runner that loads it. */
async function bundle(): Promise<void> {
  const built = spawnSync(process.execPath, [path.join(root, 'esbuild.mjs')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error('The extension could not be built.');
  rmSync(suite, { recursive: true, force: true });
  const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => path.join('test/host', file));
  await build({
    absWorkingDir: root,
    entryPoints: ['test/host/suite.ts', 'test/host/model-extension/extension.ts', ...tests],
    outbase: 'test/host',
    outdir: suite,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'linked',
    logLevel: 'warning',
  });
}

/** Installs the extension that brings language models beside the one under test, and the example of an agent. */
function installOthers(extensions: string): void {
  const example = path.join(extensions, 'gimo-example.editor-agent-0.0.1');
  cpSync(path.join(root, 'examples', 'editor-agent'), example, { recursive: true });
  const home = path.join(extensions, `${models}-0.0.0`);
  for (const from of [import.meta.dirname, suite])
    cpSync(path.join(from, 'model-extension'), home, { recursive: true });
}

async function run(): Promise<number> {
  const dir = (name: string) => {
    const made = path.join(scratch, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const folder = dir('workspace');
  writeFileSync(path.join(folder, 'README.md'), '# A repository\n');
  const extensions = dir('extensions');
  installOthers(extensions);
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  chmodSync(shim, 0o755);
  try {
    return await runTests({
      vscodeExecutablePath: process.env.VSCODE_PATH ?? shim,
      extensionDevelopmentPath: root,
      extensionTestsPath: path.join(suite, 'suite.cjs'),
      launchArgs: [
        folder,
        `--extensions-dir=${extensions}`,
        // That the editor asks before a model is used is not settled API of those who bring models.
        `--enable-proposed-api=${models}`,
      ],
      extensionTestsEnv: {
        GIMO_CONFIG_HOME: dir('ledger'),
        GIMO_FIRST_PROVIDER: 'offline',
        GIMO_HOST_REPORT: report,
        GIMO_HOST_SCRATCH: scratch,
      },
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
