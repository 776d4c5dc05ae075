import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { CliDeps } from '../../../src/cli/deps.ts';
import type { ServerNote } from '../../../src/cli/discover.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { mac, token } from './wire.ts';

export interface Options {
  /** Where the ledger says that the server is; null: no server was ever started. */
  url?: string | null;
  note?: Partial<ServerNote>;
  cliToken?: string | null;
  knowsKey?: boolean;
  stdin?: string;
  /** Makes all three streams a terminal with so many columns. */
  columns?: number;
  env?: Record<string, string>;
  cwd?: string;
  startHost?: CliDeps['startHost'];
  signals?: EventEmitter;
  exit?: (code: number) => void;
}

export const workspace = mkdtempSync(join(tmpdir(), 'gimo-cli-'));
mkdirSync(join(workspace, '.orch_data'));
export const now = Date.parse('2026-11-23T12:00:00Z');

/** Runs one command in this process, over streams of its own. */
export async function gimo(args: readonly string[], options: Options = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = options.columns === undefined ? {} : { isTTY: true, columns: options.columns };
  const { url = null } = options;
  const program = createProgram({
    startHost: options.startHost ?? (() => Promise.reject(new Error('no host here'))),
    ledger: {
      configHome: () => 'home',
      dataDirOf: (root) => join(root, '.orch_data'),
      ledgerDir: () => 'ledger',
      readServer: async () =>
        url === null ? null : { url, hosted_by: 'headless', stopped: false, ...options.note },
      readCliToken: async () => (options.cliToken === undefined ? token : options.cliToken),
      readLedgerMac: async () => (options.knowsKey === false ? null : mac),
    },
    stdin: Object.assign(Readable.from(options.stdin === undefined ? [] : [options.stdin]), {
      isTTY: options.columns !== undefined,
    }),
    stdout: { ...terminal, write: (text) => out.push(text) },
    stderr: { ...terminal, write: (text) => err.push(text) },
    env: options.env ?? {},
    cwd: options.cwd ?? workspace,
    version: '1.2.3',
    now: () => now,
    signals: options.signals ?? new EventEmitter(),
    exit: options.exit ?? (() => undefined),
  });
  const code = await program.run(args);
  return { code, out: out.join(''), err: err.join('') };
}
