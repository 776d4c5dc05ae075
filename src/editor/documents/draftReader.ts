import type { Client } from '../../client/client.ts';
import type { Answer } from '../../contract/operation.ts';
import type { Draft } from '../../contract/operations.ts';
import { Refusal } from '../messages.ts';
import type { DraftChange, Version } from './bases.ts';

/** Drafts with the entity tags that a save has to name. Both reject as the client does. */
export interface DraftReader {
  read(id: string): Promise<Version>;
  /** @param etag the version that the change was made from; rejects with `stale` if it is not the current one */
  edit(id: string, change: DraftChange, etag: string): Promise<Version>;
}

/** @param client the client of the server; rejects if there is none */
export function createDraftReader(client: () => Promise<Client>): DraftReader {
  const times = new Map<string, { etag: string; mtime: number }>();

  /* Grows with every version that is seen: an editor reads a file again only if its time has changed. */
  const mtimeOf = ({ id, updated_at, created_at }: Draft, etag: string) => {
    const last = times.get(id);
    if (last?.etag === etag) return last.mtime;
    const written = Date.parse(updated_at ?? created_at) || 0;
    const mtime = Math.max(written, last === undefined ? 0 : last.mtime + 1);
    times.set(id, { etag, mtime });
    return mtime;
  };
  const versionOf = ({ body, etag }: Answer<Draft>): Version => {
    if (etag === undefined)
      throw new Refusal('The server did not say which version of the draft this is.');
    return { draft: body, etag, mtime: mtimeOf(body, etag) };
  };

  return {
    async read(id) {
      return versionOf(await (await client()).answer('getDraft', { draft_id: id }));
    },
    async edit(id, change, etag) {
      const args = { draft_id: id, ...change };
      return versionOf(await (await client()).answer('editDraft', args, { ifMatch: etag }));
    },
  };
}
