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
  /** What is typed, instead of `stdin`; it may go on. */
  typing?: Readable;
  /** Makes all three streams a terminal with so many columns. */
  columns?: number;
  env?: Record<string, string>;
  cwd?: string;
  startHost?: CliDeps['startHost'];
  realPath?: CliDeps['realPath'];
  signals?: EventEmitter;
  exit?: (code: number) => void;
  /** Called after each piece that is written, on either stream. */
  wrote?: (text: string) => void;
}

export const workspace = mkdtempSync(join(tmpdir(), 'gimo-cli-'));
mkdirSync(join(workspace, '.orch_data'));
const now = Date.parse('2026-11-23T12:00:00Z');

/** Runs one command in this process, over streams of its own. */
export async function gimo(args: readonly string[], options: Options = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await programOf(options, out, err).run(args);
  return { code, out: out.join(''), err: err.join('') };
}

/** The command line over streams and a ledger of its own. What it writes is added to `out` and `err`. */
export function programOf(options: Options = {}, out: string[] = [], err: string[] = []) {
  const terminal = options.columns === undefined ? {} : { isTTY: true, columns: options.columns };
  const { url = null } = options;
  const writer = (pieces: string[]) => (text: string) => {
    pieces.push(text);
    options.wrote?.(text);
  };
  const typed = options.stdin === undefined ? [] : [options.stdin];
  return createProgram({
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
    realPath: options.realPath ?? (async () => null),
    stdin: Object.assign(options.typing ?? Readable.from(typed), {
      isTTY: options.columns !== undefined,
    }),
    stdout: { ...terminal, write: writer(out) },
    stderr: { ...terminal, write: writer(err) },
    env: options.env ?? {},
    cwd: options.cwd ?? workspace,
    version: '1.2.3',
    now: () => now,
    signals: options.signals ?? new EventEmitter(),
    exit: options.exit ?? (() => undefined),
  });
}
