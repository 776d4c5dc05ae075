import { open } from 'node:fs/promises';

/** What one call has synced. */
export interface Synced {
  files: number;
  folders: number;
}

/** Counts what this process syncs while some work is done. */
export async function countSyncs(dir: string, work: () => Promise<unknown>): Promise<Synced> {
  const probe = await open(dir, 'r');
  const handle: Pick<typeof probe, 'sync' | 'datasync'> = Object.getPrototypeOf(probe);
  await probe.close();
  const { sync, datasync } = handle;
  const synced = { files: 0, folders: 0 };
  const counting = (call: typeof sync) =>
    async function (this: typeof probe) {
      if ((await this.stat()).isDirectory()) synced.folders += 1;
      else synced.files += 1;
      return call.call(this);
    };
  handle.sync = counting(sync);
  handle.datasync = counting(datasync);
  try {
    await work();
  } finally {
    Object.assign(handle, { sync, datasync });
  }
  return synced;
}
