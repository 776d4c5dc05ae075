import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { readCliToken } from '../../src/store/discovery.ts';
import { dataDirOf, ledgerDir as ledgerDirOf } from '../../src/store/paths.ts';
import { type Aim, Answer, type Orders, type Told } from './aim.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');
/** Made by setup.ts. */
export const faultLayer = join(import.meta.dirname, '../../test-results/fault-layer.mjs');
const Listening = z.object({ url: z.string(), pid: z.int() });

/** What a server is started with. */
export interface StartOptions {
  loss: Orders['loss'];
  seed: number;
  /** Where it ends, counted from its first moment on. */
  aim?: Aim;
  env?: Readonly<Record<string, string>>;
}

/** The process ended before it listened. */
export class NotStarted extends Error {
  readonly log: string;
  readonly byAim: boolean;
  constructor(log: string, byAim: boolean) {
    super(`The server did not start: ${log}`);
    this.log = log;
    this.byAim = byAim;
  }
}

/** A real server, in whose process the fault layer waits. */
export interface FaultyServer {
  readonly url: string;
  readonly token: string;
  readonly client: Client;
  /** Aims at a call from now on; null: only writes them down. */
  arm(aim: Aim): Promise<void>;
  /** The calls since it was armed; null if the process was killed. */
  points(): Promise<string[] | null>;
  /**
   * Does something with the server, for as long as it lives.
   * @returns what came of it, or null if the process ended meanwhile
   */
  whileAlive<T>(work: () => Promise<T>): Promise<T | null>;
  /** Resolves once a look at the server tells so: looks first, and again after each change. */
  until(look: () => Promise<boolean>): Promise<void>;
  /** Resolves once the server's log holds this. */
  logged(text: string): Promise<void>;
  readonly exited: Promise<void>;
  signal(name: NodeJS.Signals): Promise<void>;
}

/** A workspace and a ledger of their own, in which servers live and die one after the other. */
export interface FaultyPlace {
  readonly base: string;
  readonly root: string;
  readonly dataDir: string;
  ledgerDir(): string;
  /** @throws NotStarted */
  start(options: StartOptions): Promise<FaultyServer>;
  /** Where the last process that ended by its aim did so; null if none has. */
  died(): Promise<string | null>;
  dispose(): Promise<void>;
}

export async function openPlace(): Promise<FaultyPlace> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'gimo-kill-')));
  const root = join(base, 'work');
  const configHome = join(base, 'config');
  await mkdir(root);
  const children = new Set<ChildProcess>();
  const dataDir = dataDirOf(root);
  const ledgerDir = () => ledgerDirOf(configHome, dataDir);
  const diedFile = join(base, 'died');
  const pointsFile = join(base, 'points');
  const died = async () => (await fileOrNull(diedFile))?.toString() ?? null;

  async function start({ loss, seed, aim, env = {} }: StartOptions): Promise<FaultyServer> {
    await rm(diedFile, { force: true });
    await rm(pointsFile, { force: true });
    const orders: Orders = { base, loss, seed, ...(aim === undefined ? {} : { aim }) };
    const child = fork(cli, ['serve', '--root', root, '--port', '0'], {
      execArgv: ['--import', faultLayer],
      env: {
        ...{ PATH: process.env.PATH, HOME: base, GIMO_CONFIG_HOME: configHome },
        ...{ GIMO_FIRST_PROVIDER: 'offline', ORCH_RATE_LIMIT_PER_MIN: '1000000' },
        ...{ GIMO_FAULTS: JSON.stringify(orders), ...env },
      },
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
      throw new NotStarted(log, (await died()) !== null);
    }
    const { url } = Listening.parse(JSON.parse(first));
    const token = (await readCliToken(ledgerDir())) ?? '';
    return serverOf({ child, exited, url, token, pointsFile, log: () => log });
  }
  return {
    ...{ base, root, dataDir, ledgerDir, start, died },
    async dispose() {
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

function serverOf({ child, exited, url, token, log, pointsFile }: Running): FaultyServer {
  const gone = exited.then(() => null);
  const ask = async (told: Told): Promise<Answer | null> => {
    const answered = once(child, 'message').then(([message]: unknown[]) => Answer.parse(message));
    child.send(told, () => undefined); // one that has ended takes no word; its exit tells that
    return Promise.race([answered, gone]);
  };
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  return {
    ...{ url, token, exited },
    client: createClient(httpTransport(url, token)),
    async arm(aim) {
      if ((await ask({ aim })) === null) throw new Error(`The server is gone: ${log()}`);
    },
    async points() {
      const answer = isGone() ? null : await ask({ tell: 'points' });
      if (answer !== null) return 'points' in answer ? answer.points : null;
      const written = await fileOrNull(pointsFile);
      return written && z.array(z.string()).parse(JSON.parse(written.toString()));
    },
    async whileAlive(work) {
      const done = work().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      const outcome = await done;
      if ('value' in outcome) return outcome.value;
      // What fails because the process ended, failed for that reason; everything else is an error.
      if (outcome.error instanceof TypeError) {
        await exited;
        return null;
      }
      throw outcome.error;
    },
    async until(look) {
      const watching = new AbortController();
      const stream = await fetch(new URL('/ops/events', url), {
        headers: { authorization: `Bearer ${token}` },
        signal: watching.signal,
      });
      if (stream.body === null) throw new Error('There is no stream of events.');
      const reader = stream.body.getReader();
      try {
        while (!(await look())) if ((await reader.read()).done) throw new TypeError('terminated');
      } finally {
        watching.abort();
        await reader.cancel().catch(() => undefined); // it was aborted just now
      }
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
  };
}
