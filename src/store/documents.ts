import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { jsonIssues } from '../contract/json.ts';
import type { Document, FoundDocument, Logger, WatchedDocument } from '../core/ports.ts';
import { type Fence, parseJson, readJson, readText, writeAtomic } from './files.ts';
import { createQueue } from './queue.ts';
import { stampAt } from './record-file.ts';

/** A single JSON document of the workspace. */
export function openDocument(path: string, fence: Fence): Document {
  const queue = createQueue();
  return {
    read: () => readJson(path),
    write: (value) =>
      queue(() => writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`, { fence })),
  };
}

/** The most that a document which people change by hand may hold, in bytes. */
const mostBytes = 2 ** 20;

/** A document that is looked at as somebody else may have left it. */
export function openWatchedDocument(path: string, fence: Fence): WatchedDocument {
  const stamp = () => JSON.stringify(stampAt(path));
  return {
    ...openDocument(path, fence),
    stamp,
    async look(): Promise<FoundDocument> {
      if (stampAt(path) === null) return { state: 'missing' };
      const text = await readText(path, mostBytes);
      if (text === null)
        return unreadable('is a link, larger than 1 MiB, or something else than UTF-8 text');
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
