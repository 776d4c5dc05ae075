import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readCliToken } from '../../src/store/discovery.ts';
import { dataDirOf, ledgerDir as ledgerDirOf } from '../../src/store/paths.ts';
import { type Aim, Answer, type Orders, type Told } from './aim.ts';
import { unsyncedFile } from './forgetful.ts';
import type { Hull } from './hull.ts';
import { compiled, faultLayer } from './made.ts';
import { type FaultyServer, NotStarted, serverOf } from './server.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');
/** What is lost here is not for the disk to say: where there is memory for files, nobody waits for one. */
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const Listening = z.object({ url: z.string(), pid: z.int() });

/** What a server is started with. */
export interface StartOptions {
  loss: Orders['loss'];
  seed: number;
  /** Where it ends, counted from its first moment on. */
  aim?: Aim;
  env?: Readonly<Record<string, string>>;
}

/** A workspace and a ledger of their own, in which servers live and die one after the other. */
export interface FaultyPlace {
  readonly base: string;
  readonly root: string;
  readonly dataDir: string;
  ledgerDir(): string;
  /** @throws NotStarted */
  start(options: StartOptions): Promise<FaultyServer>;
  /** Keeps all that lies in it now, while no server runs, for {@link FaultyPlace.restore}. */
  save(): Promise<void>;
  restore(): Promise<void>;
  /** Where the last server that ended by its aim did so; null if none has. */
  died(): Promise<string | null>;
  dispose(): Promise<void>;
}

/** @param hull where its servers run; null: each in a process of its own */
export async function openPlace(hull: Hull | null = null): Promise<FaultyPlace> {
  const base = await realpath(await mkdtemp(join(inMemory, 'gimo-kill-')));
  const root = join(base, 'work');
  const saved = `${base}-saved`;
  const configHome = join(base, 'config');
  await mkdir(root);
  const children = new Set<ChildProcess>();
  const dataDir = dataDirOf(root);
  const ledgerDir = () => ledgerDirOf(configHome, dataDir);
  const diedFile = join(base, 'died');
  const pointsFile = join(base, 'points');
  let reachedAt: string | null = null;
  const tokenNow = async () => (await readCliToken(ledgerDir())) ?? '';

  async function start({ loss, seed, aim, env: more = {} }: StartOptions): Promise<FaultyServer> {
    reachedAt = null;
    for (const file of [diedFile, pointsFile]) await rm(file, { force: true });
    // One that forgets nothing cannot go on from what was not synced.
    if (loss === null) await rm(unsyncedFile(base), { force: true });
    const orders: Orders = { base, loss, seed, ...(aim === undefined ? {} : { aim }) };
    const env = {
      ...{ PATH: process.env.PATH ?? '', HOME: base, GIMO_CONFIG_HOME: configHome },
      ...{ GIMO_FIRST_PROVIDER: 'offline', ORCH_RATE_LIMIT_PER_MIN: '1000000', ...more },
    };
    if (hull !== null) {
      const onReached = (at: string) => {
        reachedAt = at;
      };
      return hull.start({ root, env, orders, tokenNow, onReached });
    }
    const child = fork(cli, ['serve', '--root', root, '--port', '0'], {
      execArgv: ['--import', faultLayer],
      env: { ...env, NODE_COMPILE_CACHE: compiled, GIMO_FAULTS: JSON.stringify(orders) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.add(child);
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      log = (log + piece).slice(-20_000);
    });
    const exited = once(child, 'exit').then(() => void children.delete(child));
    if (child.stdout === null) throw new Error('The server has no standard output.');
    const lines = createInterface({ input: child.stdout });
    const first: unknown = await Promise.race([
      once(lines, 'line').then(([line]: unknown[]) => line),
      once(lines, 'close').then(() => null),
    ]);
    if (typeof first !== 'string') {
      await exited;
      throw new NotStarted(log, (await fileOrNull(diedFile)) !== null);
    }
    const { url } = Listening.parse(JSON.parse(first));
    return aloneIn({ child, exited, url, token: await tokenNow(), pointsFile, log: () => log });
  }
  return {
    ...{ base, root, dataDir, ledgerDir, start },
    save: () => cp(base, saved, { recursive: true, preserveTimestamps: true }),
    async restore() {
      await rm(base, { recursive: true });
      await cp(saved, base, { recursive: true, preserveTimestamps: true });
    },
    died: async () => reachedAt ?? (await fileOrNull(diedFile))?.toString() ?? null,
    async dispose() {
      await rm(saved, { recursive: true, force: true });
      if (hull !== null) return hull.clear(base);
      for (const child of children) {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
      await rm(base, { recursive: true, force: true });
    },
  };
}

async function fileOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

interface Running {
  child: ChildProcess;
  exited: Promise<void>;
  url: string;
  token: string;
  log: () => string;
  /** Where a process that ends by itself leaves its points. */
  pointsFile: string;
}

/** A server in a process of its own. */
function aloneIn({ child, exited, url, token, log, pointsFile }: Running): FaultyServer {
  const gone = exited.then(() => null);
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  // One that has ended takes no word; its exit tells that.
  const send = (told: Told) => void child.send(told, () => undefined);
  return serverOf({
    ...{ url, token, exited, isGone, send },
    reached: new Promise(() => undefined),
    async ask(told) {
      if (isGone()) return null;
      const answered = once(child, 'message').then(([message]: unknown[]) => Answer.parse(message));
      send(told);
      return Promise.race([answered, gone]);
    },
    async lastPoints() {
      const written = await fileOrNull(pointsFile);
      return written && z.array(z.string()).parse(JSON.parse(written.toString()));
    },
    async logged(text) {
      while (!log().includes(text)) {
        if (isGone()) throw new TypeError('terminated');
        await Promise.race([child.stderr && once(child.stderr, 'data'), exited]);
      }
    },
    async signal(name) {
      if (!isGone()) child.kill(name);
      await exited;
    },
  });
}
