import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { refusals } from './inside.ts';
import type { Job } from './jobs.ts';

/** How long a thread stays without work before it ends, in milliseconds. */
const idleMs = 30_000;
/** Jobs that may wait for a thread. */
const mostWaiting = 64;

const Reply = z.union([
  z.object({ ok: z.unknown() }),
  z.object({ refused: z.enum([...refusals, 'too_slow']) }),
]);
export type Reply = z.infer<typeof Reply>;

/** A thread that does one job after the other. It is started by the first, and ends when nothing is left to do. */
export interface Lane {
  /**
   * @param limit milliseconds after which the job is given up, with the thread; the answer is then `too_slow`
   * @throws GimoError `rate_limited` when too many wait already, `not_writer` when the lane was closed
   */
  ask(job: Job, limit: number): Promise<Reply>;
  close(): Promise<void>;
}

interface Waiting {
  job: Job;
  limit: number;
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
}

/* In source the program stands beside this file; in what ships, in dist, and this code there or in dist/chunks. */
function programUrl(): URL {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return new URL('./thread.ts', here);
  return new URL(/\/chunks\/[^/]*$/.test(here) ? '../look.js' : './look.js', here);
}

export function createLane(): Lane {
  const waiting: Waiting[] = [];
  let worker: Worker | null = null;
  let current: Waiting | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const drop = async () => {
    clearTimeout(timer);
    const old = worker;
    worker = null;
    await old?.terminate();
  };
  const start = () => {
    // No limit of its own for memory: a thread that hits one can take the whole process with it. Jobs are bounded.
    const made = new Worker(programUrl(), {
      name: 'gimo-look',
      execArgv: [],
      env: {},
    });
    made.unref();
    const failed = (error: unknown) => {
      if (worker !== made) return;
      worker = null;
      settle((job) => job.reject(error));
    };
    made.on('message', (reply: unknown) => {
      // One that was given up may still have had an answer on its way; it belongs to no job any more.
      if (worker === made) settle((job) => job.resolve(Reply.parse(reply)));
    });
    made.on('error', failed);
    made.on('exit', (code) => failed(new Error(`the thread ended with ${code}`)));
    return made;
  };
  const settle = (tell: (job: Waiting) => void) => {
    const job = current;
    current = null;
    clearTimeout(timer);
    if (job !== null) tell(job);
    next();
  };
  const next = () => {
    if (current !== null) return;
    current = waiting.shift() ?? null;
    if (current === null) {
      if (worker !== null) timer = setTimeout(drop, idleMs).unref();
      return;
    }
    clearTimeout(timer);
    worker ??= start();
    timer = setTimeout(() => {
      void drop();
      settle((job) => job.resolve({ refused: 'too_slow' }));
    }, current.limit);
    worker.postMessage(current.job);
  };
  return {
    ask: (job, limit) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new GimoError('not_writer', 'The server is stopping.'));
        if (waiting.length >= mostWaiting) return reject(busy());
        waiting.push({ job, limit, resolve, reject });
        next();
      }),
    async close() {
      closed = true;
      const stopped = new GimoError('not_writer', 'The server is stopping. Try again later.');
      const left = [...(current === null ? [] : [current]), ...waiting.splice(0)];
      current = null;
      await drop();
      for (const { reject } of left) reject(stopped);
    },
  };
}

const busy = () =>
  new GimoError(
    'rate_limited',
    'Too many reads of the repository wait already. Try again in a moment.',
    { retryAfter: 1 },
  );
