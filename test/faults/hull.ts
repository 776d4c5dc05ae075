import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answer, HullAnswer, type Orders, type ToldHull } from './aim.ts';
import { compiled, hullProcess } from './made.ts';
import { type FaultyServer, NotStarted, serverOf } from './server.ts';

/* The test's end of hull-process.ts. */

const host = join(import.meta.dirname, '../../dist/host.js');

interface Boarding {
  root: string;
  env: Record<string, string>;
  orders: Orders;
  tokenNow: () => Promise<string>;
  /** Told where the server stands still. */
  onReached: (at: string) => void;
}

/**
 * Lets several servers run in one process, which is killed once each of them is to end; the next one begins with the
 * next server.
 */
export interface Hull {
  /** @throws NotStarted */
  start(boarding: Boarding): Promise<FaultyServer>;
  /** Gives up what runs on a directory, and removes that once the process is dead; nobody waits for that but `closed`. */
  clear(base: string): Promise<void>;
  /** Resolves once everything is removed that was given up. */
  closed(): Promise<void>;
}

interface Aboard {
  base: string;
  /** Nobody needs it to live any more. */
  left: boolean;
  heard(what: HullAnswer): void;
}

interface Crew {
  child: ChildProcess;
  exited: Promise<void>;
  aboard: Map<number, Aboard>;
  ending: boolean;
}

export function createHull(): Hull {
  let crew: Crew | null = null;
  let ids = 0;
  const removals: Promise<void>[] = [];

  const launch = (): Crew => {
    const child = fork(hullProcess, [host], {
      execArgv: [],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compiled },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exited = once(child, 'exit').then(() => undefined);
    const made: Crew = { child, exited, aboard: new Map(), ending: false };
    child.on('message', (message) => {
      const what = HullAnswer.parse(message);
      made.aboard.get(what.id)?.heard(what);
    });
    // One that ends before it is told to takes nobody aboard any more.
    void exited.then(() => {
      if (crew === made) crew = null;
    });
    return made;
  };
  const send = ({ child }: Crew, told: ToldHull) => void child.send(told, () => undefined);
  /** Ends the process if nobody aboard is needed any more. */
  const endIfLeft = (one: Crew) => {
    if (one.ending || [...one.aboard.values()].some(({ left }) => !left)) return;
    one.ending = true;
    if (crew === one) crew = null;
    send(one, { end: true });
  };

  async function start(boarding: Boarding): Promise<FaultyServer> {
    crew ??= launch();
    const mine = crew;
    const id = ids++;
    let answered: (what: HullAnswer) => void = () => undefined;
    const next = () =>
      new Promise<HullAnswer>((resolve) => {
        answered = resolve;
      });
    let stands: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      stands = resolve;
    });
    const self: Aboard = {
      ...{ base: boarding.orders.base, left: false },
      heard(what) {
        if (!('reached' in what)) return answered(what);
        boarding.onReached(what.reached);
        stands();
      },
    };
    mine.aboard.set(id, self);
    const gone = mine.exited.then(() => null);
    const first = next();
    const { root, env, orders } = boarding;
    send(mine, { id, start: { root, env, orders } });
    const over = async () => {
      self.left = true;
      endIfLeft(mine);
      await mine.exited;
      if (mine.child.signalCode !== 'SIGKILL')
        throw new Error('The process ended by itself. What it said stands above.');
    };
    const told = await Promise.race([first, gone, reached.then(() => null)]);
    if (told === null || !('listening' in told)) {
      await over();
      throw new NotStarted(JSON.stringify(told), told === null);
    }
    return serverOf({
      ...{ url: told.listening, token: await boarding.tokenNow(), exited: mine.exited, reached },
      isGone: () => mine.child.exitCode !== null || mine.child.signalCode !== null,
      send: (what) => send(mine, { id, told: what }),
      async ask(what): Promise<Answer | null> {
        const answer = next();
        send(mine, { id, told: what });
        const found = await Promise.race([answer, gone]);
        return found !== null && 'answer' in found ? found.answer : null;
      },
      lastPoints: async () => null,
      logged: () => Promise.reject(new Error('What runs in a hull keeps no log.')),
      async signal(name) {
        if (name !== 'SIGKILL') throw new Error('Others run in this process, too.');
        await over();
      },
    });
  }
  return {
    start,
    async clear(base) {
      const mine = crew;
      const own = [...(mine?.aboard.values() ?? [])].filter((one) => one.base === base);
      for (const one of own) one.left = true;
      const remove = () => rm(base, { recursive: true, force: true });
      if (mine === null || own.length === 0) return remove();
      endIfLeft(mine);
      removals.push(mine.exited.then(remove));
    },
    closed: async () => void (await Promise.all(removals)),
  };
}
