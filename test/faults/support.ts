import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { z } from 'zod';
import { AuditEntry } from '../../src/contract/rows/security.ts';
import { verifyAudit } from '../../src/core/audit.ts';
import { tokenRoles } from '../../src/core/principals.ts';
import { openAuditFile } from '../../src/store/auditfile.ts';
import { readCliToken } from '../../src/store/discovery.ts';
import { openLedger } from '../../src/store/ledger.ts';
import { dataDirOf, ledgerDir as ledgerDirOf } from '../../src/store/paths.ts';
import { fileVault } from '../../src/store/vault.ts';

const run = promisify(execFile);
/** Made by setup.ts. */
const cli = join(import.meta.dirname, '../../dist/cli.js');

const Listening = z.object({
  event: z.literal('listening'),
  url: z.string(),
  pid: z.int(),
  data_dir: z.string(),
});

interface ServeOptions {
  /** Arguments beside those that every server gets. */
  more?: readonly string[];
  /** Modules that are loaded before it. */
  preload?: readonly string[];
}

/**
 * A workspace and a ledger of its own in a temporary directory, and the real processes that work on them. `dispose`
 * ends those that still run.
 */
export async function makePlace() {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-faults-'));
  const children = new Set<ChildProcess>();
  const dispose = async () => {
    for (const child of children) await ended(child, 'SIGKILL');
    await rm(dir, { recursive: true, force: true });
  };
  const root = join(dir, 'work');
  const env = {
    ...{ PATH: process.env.PATH, HOME: dir, GIMO_CONFIG_HOME: join(dir, 'config') },
    ...{ GIMO_FIRST_PROVIDER: 'offline', ORCH_RATE_LIMIT_PER_MIN: '100000' },
  };

  /** Starts `gimo serve` as a process of its own. */
  async function serve({ more = [], preload = [] }: ServeOptions = {}) {
    const loaded = preload.flatMap((url) => ['--import', url]);
    const args = [...loaded, cli, 'serve', '--root', root, '--port', '0', ...more];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      log += piece;
    });
    const lines = createInterface({ input: child.stdout });
    const [first]: unknown[] = await Promise.race([once(lines, 'line'), once(child, 'close')]);
    if (typeof first !== 'string') throw new Error(`The server did not start: ${log}`);
    const { url, pid, data_dir } = Listening.parse(JSON.parse(first));
    return {
      ...{ url, pid, dataDir: data_dir },
      log: () => log,
      send: (signal: NodeJS.Signals) => child.kill(signal),
      /** Resolves when a line like this has been logged. */
      async logged(wanted: RegExp) {
        while (!wanted.test(log)) await once(child.stderr, 'data');
      },
      kill: () => ended(child, 'SIGKILL'),
      /** @returns its exit code */
      stop: () => ended(child, 'SIGTERM'),
    };
  }

  /** Runs a command of the command line to its end. @returns what it printed, parsed */
  async function gimo(...args: string[]): Promise<unknown[]> {
    const { stdout } = await run(process.execPath, [cli, ...args, '--json', '--root', root], {
      env,
    });
    return jsonValues(stdout);
  }
  /** The admin token, from where the command line takes it. */
  const adminToken = async () => {
    const ledger = ledgerDirOf(env.GIMO_CONFIG_HOME, dataDirOf(root));
    return (await readCliToken(ledger)) ?? '';
  };
  return { dir, root, env, configHome: env.GIMO_CONFIG_HOME, serve, gimo, adminToken, dispose };
}

/** Sends a signal to a process and waits for its end. */
async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
  return child.exitCode;
}

/** One value, or one a line. */
function jsonValues(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  }
}

/** What lies in the ledger of a workspace, read while no server runs. */
export async function inspect(root: string, configHome: string) {
  const dataDir = dataDirOf(root);
  const ledgerDir = ledgerDirOf(configHome, dataDir);
  const vault = fileVault(ledgerDir);
  const tokens: string[] = [];
  for (const role of tokenRoles) tokens.push((await vault.get(`token.${role}`)) ?? '');
  const ledger = await openLedger({ dir: ledgerDir, dataDir });
  const open = () => undefined;
  const file = await openAuditFile({ dir: join(dataDir, 'ops', 'audit'), ledger, fence: open });
  const entries: AuditEntry[] = [];
  for await (const line of file.lines()) entries.push(AuditEntry.parse(JSON.parse(line)));
  const verdict = await verifyAudit(file, ledger);
  await file.close();
  return { dataDir, ledgerDir, ledger, vault, tokens, entries, verdict };
}

/** Every file under a directory, with its path from there and its text. */
export async function filesUnder(dir: string): Promise<{ path: string; text: string }[]> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile());
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { path: path.slice(dir.length + 1), text: await readFile(path, 'latin1') };
    }),
  );
}

/** Sends a request with a token. */
export function send(url: string, token: string, method: string, path: string, body?: unknown) {
  return fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
