import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { jsonIssues } from '../contract/json.ts';
import type { FoundDocument, Logger, WatchedDocument } from '../core/ports.ts';
import { writeAtomic } from './atomic.ts';
import { type Fence, parseJson, readJson, readText } from './files.ts';
import { createQueue } from './queue.ts';
import { stampAt } from './record-file.ts';

/** Thrown where a file is not the one any more that was to be written over. */
class Another extends Error {
  override readonly name = 'Another';
}

/**
 * A document that is looked at as somebody else may have left it.
 * @param most the most that it may hold, in whole MiB
 */
export function openWatchedDocument(path: string, fence: Fence, most = 1): WatchedDocument {
  const queue = createQueue();
  const write = (value: unknown, allowed: Fence) =>
    queue(() => writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`, { fence: allowed }));
  const stamp = () => JSON.stringify(stampAt(path));
  return {
    read: () => readJson(path),
    write: (value) => write(value, fence),
    stamp,
    async writeOver(known, value) {
      try {
        await write(value, () => {
          fence();
          if (stamp() !== known) throw new Another();
        });
        return true;
      } catch (error) {
        if (error instanceof Another) return false;
        throw error;
      }
    },
    async look(): Promise<FoundDocument> {
      if (stampAt(path) === null) return { state: 'missing' };
      const text = await readText(path, most * 2 ** 20);
      if (text === null)
        return unreadable(`is a link, larger than ${most} MiB, or something else than UTF-8 text`);
      const value = parseJson(text);
      if (value === undefined) return unreadable('is not JSON');
      const [issue] = jsonIssues(value);
      if (issue !== undefined) return unreadable(`is not JSON that GIMO takes: ${issue.msg}`);
      return { state: 'json', value };
    },
  };
}

const unreadable = (how: string): FoundDocument => ({
  state: 'unreadable',
  why: `The file cannot be read: it ${how.replace(/\.$/, '')}.`,
});

/**
 * Tells when one of the named files of a directory may have changed. A system that has no room for another watch is no
 * reason to fail: whoever asks for the changes looks anyway.
 *
 * @returns a function that ends it
 */
export function watchFiles(
  dir: string,
  names: readonly string[],
  changed: () => void,
  logger: Logger,
): () => void {
  let watcher: FSWatcher;
  const failed = (error: unknown) =>
    logger.log('warn', `Changes by hand are noticed only when asked for: ${String(error)}`);
  try {
    watcher = watch(dir, { persistent: false }, (_event, name) => {
      if (name === null || names.includes(basename(name))) changed();
    });
  } catch (error) {
    failed(error);
    return () => undefined;
  }
  watcher.on('error', (error) => {
    failed(error);
    watcher.close();
  });
  return () => watcher.close();
}
