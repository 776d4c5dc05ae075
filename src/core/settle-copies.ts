import type { Watched } from '../contract/rows/upkeep.ts';
import { type Audit, parseLine, systemAct } from './audit.ts';
import type { ChangeSource } from './change-sources.ts';
import type { AuditFile } from './ports.ts';

/** What sets each of them, in the audit. */
const setters: Record<string, Watched> = {
  setConfig: 'config',
  setProvider: 'provider',
  setAllowlist: 'allowlist',
};
/** What completes a copy of its own accord, in the audit. */
export const settleCopy = 'settleCopy';
/** How many lines from the end of the audit are looked at: what was cut off is among the last that were begun. */
const mostLines = 500;

/**
 * After a start: where setting something was cut off between the ledger and the workspace's copy of it, nobody has
 * changed the file, it is only old. So it is where there was no room for the copy until the end. The audit tells: there
 * is an intent without an outcome.
 */
export async function settleCopies(
  sources: readonly ChangeSource[],
  file: Pick<AuditFile, 'tail'>,
  audit: Audit,
): Promise<void> {
  const open = new Set<Watched>();
  for (const line of await file.tail(mostLines)) {
    const entry = parseLine(line);
    const what = entry?.operation === settleCopy ? entry.target : setters[entry?.operation ?? ''];
    for (const source of sources) {
      if (source.what !== what) continue;
      if (entry?.outcome === 'intent') open.add(source.what);
      else if (entry?.operation !== settleCopy || entry.outcome === 'done')
        open.delete(source.what);
    }
  }
  for (const source of sources) {
    if (!open.has(source.what)) continue;
    await audit.around(systemAct(settleCopy, source.what), async () => {
      // What lay there before anything was ever accepted is not ours.
      if (await source.wasAccepted()) await source.restore();
    });
  }
}
