/*
 * Loaded into every process of the editor that a soak runs in, with --expose-gc: writes down what is in use after a full
 * collection, again and again, a line of JSON each time.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';

const dir = process.env.GIMO_SOAK_MEMORY;
const every = Number(process.env.GIMO_SOAK_EVERY_MS);

if (isMainThread && dir !== undefined && globalThis.gc !== undefined) {
  const file = path.join(dir, `${process.pid}.jsonl`);
  setInterval(() => {
    // Twice: what has a finalizer goes with the second.
    globalThis.gc();
    globalThis.gc();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const what = process.argv.find((one) => one.startsWith('--type=')) ?? 'server';
    const handles = process.getActiveResourcesInfo().length;
    const line = { at: Date.now(), what, rss, heapUsed, external, arrayBuffers, handles };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  }, every).unref();
}
