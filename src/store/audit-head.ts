import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Ledger } from '../core/ledger-ports.ts';
import type { AuditHead } from '../core/ports.ts';
import { noFollow, parseJson, readText, storageError } from './files.ts';
import { sameMac } from './keys.ts';

/*
 * The witness of the audit chain's end: two slots of a fixed size in one file, written in turn, each with its own HMAC.
 * A write that is torn spoils one slot, and the other still holds the end before it.
 *
 * It is not synced. The audit file is, before the head is written, so after a power cut the head can only be behind the
 * file, never ahead: what follows it in the file is then an "unwitnessed tail", which is legal and is told as such.
 * Syncing it would double what every audited act costs, and win nothing but that.
 */

const slotBytes = 256;
const Slot = z.object({ seq: z.int().nonnegative(), mac: z.string(), hmac: z.string() });

/** Keeps the end of the audit chain in the ledger. */
export interface HeadFile {
  /** @returns null before the first entry */
  read(): Promise<AuditHead | null>;
  write(head: AuditHead): Promise<void>;
  /** Looks anew before the next write: another holder of the claim may have written since. */
  forget(): void;
}

export function createHeadFile(dir: string, ledger: Pick<Ledger, 'mac'>): HeadFile {
  const path = join(dir, 'audit-head');
  /** The slot that the next write may spoil; null until it was looked up. */
  let next: 0 | 1 | null = null;

  const hmacOf = (head: AuditHead) =>
    ledger.mac('audit', `gimo-audit-head-v1\n${head.seq}\n${head.mac}`);
  const slotOf = (text: string): AuditHead | null => {
    const slot = Slot.safeParse(parseJson(text)).data;
    if (slot === undefined || !sameMac(slot.hmac, hmacOf(slot))) return null;
    return { seq: slot.seq, mac: slot.mac };
  };
  const look = async () => {
    const text = (await readText(path, 64 * 1024)) ?? '';
    const first = slotOf(text.slice(0, slotBytes));
    const second = slotOf(text.slice(slotBytes, 2 * slotBytes));
    const newer = (second?.seq ?? -1) > (first?.seq ?? -1);
    next = newer ? 0 : first === null ? 0 : 1;
    return newer ? second : first;
  };
  return {
    read: look,
    forget() {
      next = null;
    },
    async write(head) {
      if (next === null) await look();
      const slot = next ?? 0;
      const text = JSON.stringify({ ...head, hmac: hmacOf(head) });
      const bytes = Buffer.from(`${text.padEnd(slotBytes - 1)}\n`);
      try {
        const handle = await open(path, constants.O_RDWR | constants.O_CREAT | noFollow, 0o600);
        try {
          await handle.write(bytes, 0, slotBytes, slot * slotBytes);
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw storageError(error, 'the end of the audit log');
      }
      next = slot === 0 ? 1 : 0;
    },
  };
}
