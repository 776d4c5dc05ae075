import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(path.dirname(import.meta.dirname));
const dir = path.join(root, '.vscode-test', 'host');

/** Where the host's parts are. */
export interface HostFiles {
  /** The Node that runs it. */
  node: string;
  /** What to run with it: code-server's own entry. */
  entry: string;
}

/** Finds the real VS Code of the e2e tests, and installs it first if it is not there. Throws if that fails. */
export function ensureHost(): HostFiles {
  const files = hostFiles();
  if (existsSync(files.entry) && existsSync(files.node)) return files;
  console.log('Installing a VS Code host for the tests (once, about half a minute).');
  const { status } = spawnSync('bash', [path.join(import.meta.dirname, 'install.sh'), dir], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('The VS Code host of the tests could not be installed.');
  return files;
}

function hostFiles(): HostFiles {
  const modules = path.join(dir, 'node_modules');
  return {
    node: path.join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node'),
    entry: path.join(modules, 'code-server', 'out', 'node', 'entry.js'),
  };
}
