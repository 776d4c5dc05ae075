import { type Stamp, sameStamp } from './record-file.ts';

/** Parsed records by id, as long as their file is the one that was read. The least used go first. */
export interface RecordCache<T> {
  get(id: string, stamp: Stamp): T | undefined;
  set(id: string, stamp: Stamp, record: T): void;
  delete(id: string): void;
}

/** @param mostBytes of the files whose records are kept, in all; one alone may have an eighth of it */
export function createRecordCache<T>(mostBytes: number): RecordCache<T> {
  const entries = new Map<string, { stamp: Stamp; record: T }>();
  let bytes = 0;
  const drop = (id: string) => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    bytes -= entry.stamp.size;
    entries.delete(id);
  };
  return {
    get(id, stamp) {
      const entry = entries.get(id);
      if (entry === undefined || !sameStamp(entry.stamp, stamp)) return undefined;
      entries.delete(id); // a Map keeps the order of insertion: put in again, it is the newest
      entries.set(id, entry);
      return entry.record;
    },
    set(id, stamp, record) {
      drop(id);
      if (stamp.size > mostBytes / 8) return;
      entries.set(id, { stamp, record });
      bytes += stamp.size;
      if (bytes <= mostBytes) return;
      // Many at a time: looking for the first of a Map costs as much as was deleted before it.
      for (const oldest of entries.keys()) {
        if (bytes <= mostBytes * 0.9) break;
        drop(oldest);
      }
    },
    delete: drop,
  };
}
