import path from 'node:path';
import type { Client } from '../../client/client.ts';
import { ErrorCodeSchema } from '../../contract/errors.ts';
import type { Draft } from '../../contract/operations.ts';
import type { Looked, PanelSubject, ToPanel } from '../../contract/panel.ts';
import type { Step } from '../../contract/records.ts';
import { nextEnd } from '../control/expiry.ts';
import { messageOf } from '../messages.ts';
import { oneLine } from '../text.ts';
import { editedPaths, readBases } from './bases.ts';

export interface ReadingPorts {
  subject: PanelSubject;
  /** The folder that the server serves. Throws if there is none. */
  root(): string;
  titled(title: string): void;
  /** What was read ends by itself, which nobody tells of: it has to be read again then. @param ms from now */
  readAgainIn(ms: number): void;
  /** Something was thrown that a person is not told in all detail. */
  note(error: unknown): void;
}

/** Reads a record, and what stands in the workspace where it would write. */
export interface Reading {
  /** Rejects as the client does. */
  read(client: Client): Promise<ToPanel>;
  /** Of the draft as it was last read. */
  sent(): { etag: string | undefined; digest: string | null } | null;
  /** Whether a file is one that was compared with. @param file absolute */
  concernsFile(file: string): boolean;
}

export function createReading(ports: ReadingPorts): Reading {
  const { id, kind } = ports.subject;
  let sent: ReturnType<Reading['sent']> = null;
  let watched = new Set<string>();

  const compared = async (steps: readonly Step[] | null): Promise<Looked> => {
    const paths = editedPaths(steps);
    const root = paths.length === 0 ? '' : ports.root();
    watched = new Set(paths.map((one) => path.join(root, one)));
    return { bases: await readBases(root, paths), warnings: [], failed: null };
  };
  const lookAt = async (client: Client, draft: Draft): Promise<Looked> => {
    const looked = await compared(draft.steps);
    try {
      const { digest, warnings } = await client.call('reviewDraft', { draft_id: draft.id });
      // It is read again at once: whatever made them differ is announced.
      return digest === draft.digest
        ? { ...looked, warnings }
        : { ...looked, failed: 'The draft changed while it was read. It is read again.' };
    } catch (error) {
      ports.note(error);
      return { ...looked, failed: `The server could not say what to look at. ${toldOf(error)}` };
    }
  };
  const readDraft = async (client: Client): Promise<ToPanel> => {
    const [{ body: draft, etag }, config, locked] = await Promise.all([
      client.answer('getDraft', { draft_id: id }),
      client.call('getConfig', {}),
      lockedNow(client),
    ]);
    const looked = draft.status === 'draft' ? await lookAt(client, draft) : null;
    sent = { etag, digest: draft.digest };
    ports.titled(titleOf(draft.prompt, 'Draft'));
    const { default_auto_run: auto_run, require_reason_on_reject: reason_required } = config;
    return { type: 'draft', draft, looked, auto_run, reason_required, locked };
  };
  const readApproved = async (client: Client): Promise<ToPanel> => {
    const [approved, locked] = await Promise.all([
      client.call('getApproved', { approved_id: id }),
      lockedNow(client),
    ]);
    const { runnable, expires_at } = approved;
    const ends = runnable && expires_at !== null ? nextEnd([{ expires_at }], Date.now()) : null;
    if (ends !== null) ports.readAgainIn(ends);
    const looked = runnable ? await compared(approved.steps) : null;
    ports.titled(`Approved: ${titleOf(approved.prompt, approved.id)}`);
    return { type: 'approved', approved, looked, locked };
  };
  const readRun = async (client: Client): Promise<ToPanel> => {
    const [run, locked] = await Promise.all([
      client.call('getRun', { run_id: id }),
      lockedNow(client),
    ]);
    const approved = await approvedOf(client, run.approved_id);
    const looked = run.status === 'paused' && approved ? await compared(approved.steps) : null;
    ports.titled(`Run: ${titleOf(approved?.prompt ?? '', run.id)}`);
    return { type: 'run', run: { ...run, log: [] }, approved, looked, locked };
  };
  const reads = { draft: readDraft, approved: readApproved, run: readRun };
  return {
    read: reads[kind],
    sent: () => sent,
    concernsFile: (file) => watched.has(file),
  };
}

/** Whether only looking and stopping goes now. What else locks the server keeps strangers out, and nobody else. */
const lockedNow = async (client: Client): Promise<boolean> =>
  (await client.call('getSecurityEvents', {})).level === 'all';

async function approvedOf(client: Client, approved_id: string) {
  try {
    return await client.call('getApproved', { approved_id });
  } catch (error) {
    // A run can be read without its artifact.
    if (codeOf(error) === 'not_found') return null;
    throw error;
  }
}

/** The code of an error that crossed a boundary: known by its name, as its class may come from another bundle. */
export function codeOf(error: unknown) {
  if (!(error instanceof Error) || error.name !== 'GimoError' || !('code' in error)) return null;
  return ErrorCodeSchema.safeParse(error.code).data ?? null;
}

/** What a person is told about something thrown; a refusal of the editor's own says it itself. */
export const toldOf = (error: unknown): string =>
  error instanceof Error && error.name === 'Refusal' ? error.message : messageOf(error);

const titleOf = (prompt: string, otherwise: string) => oneLine(prompt, 40) || otherwise;
