import type { ListPage, ListQuery } from '../core/ports.ts';
import { createSlicer } from '../core/slicer.ts';
import type { NameIndex } from './names.ts';

/** How many records a filtered list reads by itself while the states of a large folder are not known yet. */
const mostByHand = 10_000;
/** How many names are looked through at a time then. */
const leastChunk = 64;

/** Finds the records of a page. */
export type Search<T> = (
  query: { [K in keyof ListQuery]: ListQuery[K] | undefined } & Pick<ListQuery, 'limit'>,
) => Promise<Pick<ListPage<T>, 'records' | 'next'>>;

/**
 * Makes the search of a folder, newest first. With the index a page costs the page. Where a large folder was just opened
 * and the states are not known yet, it reads one record after the other: that fills a page long before the index is
 * built. What is too rare for that waits for the index.
 *
 * @param parts.compare builds the index, or waits until it is built
 * @param parts.neverCompared whether it is yet to be built
 */
export function createSearch<T extends { id: string }>(parts: {
  index: NameIndex;
  load: (id: string) => Promise<T | null>;
  statusOf: (record: T) => string;
  compare: () => Promise<void>;
  neverCompared: () => boolean;
}): Search<T> {
  const { index, load, statusOf, compare, neverCompared } = parts;
  /** Up to `most` records in these states below a name. */
  const find = async (before: string | undefined, most: number, status?: readonly string[]) => {
    const wants = (one: string | undefined) => status === undefined || status.includes(one ?? '');
    const records: T[] = [];
    const slice = createSlicer();
    let at = before;
    let byHand = 0;
    while (records.length < most) {
      if (byHand >= mostByHand) await compare();
      const walks = status !== undefined && neverCompared();
      const ids = walks
        ? index.older(at, Math.max(most, leastChunk))
        : index.older(at, most - records.length, status);
      if (ids.length === 0) break;
      for (const id of ids) {
        if (records.length === most) break;
        at = id;
        const known = index.statusOf(id);
        if (known !== undefined && !wants(known)) continue;
        const record = await load(id);
        if (walks) byHand += 1;
        if (record !== null && wants(statusOf(record))) records.push(record);
        await slice();
      }
    }
    return records;
  };
  const isMore = async (at: string, status?: readonly string[]) =>
    status !== undefined && neverCompared()
      ? (await find(at, 1, status)).length > 0
      : index.older(at, 1, status).length > 0;
  return async ({ limit, before, status }) => {
    const records = await find(before, limit, status);
    const last = records.length === limit ? records.at(-1)?.id : undefined;
    return { records, next: last !== undefined && (await isMore(last, status)) ? last : null };
  };
}
