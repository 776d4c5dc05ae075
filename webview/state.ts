import type { ToPanel } from '../src/contract/panel.ts';
import type { LogEntry } from '../src/contract/records.ts';
import { changedParts, type Part, type PartHashes, partHashes } from './hash.ts';

type Of<T extends ToPanel['type']> = Extract<ToPanel, { type: T }>;
export type DraftMessage = Of<'draft'>;
export type ApprovedMessage = Of<'approved'>;
export type RunMessage = Of<'run'>;
export type Subject = DraftMessage | ApprovedMessage | RunMessage;

/** A version of a draft that a person has had before their eyes. */
export interface Seen {
  digest: string;
  parts: PartHashes;
}

export interface State {
  /** What is shown; null until it came. */
  shown: Subject | null;
  log: readonly LogEntry[];
  /** What was asked for and is under way. */
  busy: string | null;
  /** Why the last thing was refused. */
  refused: string | null;
  /** Why nothing can be decided now. */
  away: string | null;
  seen: Seen | null;
  /** The parts that are not as the person saw them, until they say that they have read the new version. */
  changed: readonly Part[] | null;
  /** The panel's own hash of what it rendered; null until it has. */
  ownDigest: string | null;
  /** What the last undo came to. */
  undone: Of<'undone'> | null;
}

export type Action =
  | ToPanel
  /** The person pressed a button that asks the host for something. */
  | { type: 'asked'; what: string }
  | { type: 'read_new_version' }
  | { type: 'hashed'; digest: string };

export const start = (seen: Seen | null): State => ({
  ...{ shown: null, log: [], busy: null, refused: null, away: null },
  ...{ seen, changed: null, ownDigest: null, undone: null },
});

/** What the panel shows after something happened. */
export function next(state: State, action: Action): State {
  switch (action.type) {
    case 'draft':
      return withDraft(state, action);
    case 'approved':
    case 'run':
      return { ...state, shown: action, away: null };
    case 'log':
      return { ...state, log: withEntries(state, action) };
    case 'undone':
      return { ...state, undone: action };
    case 'busy':
      return { ...state, busy: action.what };
    case 'refused':
      return { ...state, busy: null, refused: action.message };
    case 'away':
      return { ...state, busy: null, away: action.message };
    case 'asked':
      return { ...state, busy: action.what, refused: null };
    case 'hashed':
      return { ...state, ownDigest: action.digest };
    case 'read_new_version':
      return { ...state, changed: null, seen: seenOf(state.shown) ?? state.seen };
  }
}

function withDraft(state: State, shown: DraftMessage): State {
  const now = seenOf(shown);
  const base = { ...state, shown, away: null, ownDigest: null };
  if (now === null) return { ...base, changed: null };
  if (state.seen === null) return { ...base, seen: now };
  // Once told, it stays told until it is acknowledged, even if the first version comes back.
  if (now.digest === state.seen.digest && state.changed === null) return base;
  return { ...base, changed: changedParts(state.seen.parts, now.parts) };
}

/** Of a draft that waits; there is nothing to decide about any other record. */
function seenOf(shown: Subject | null): Seen | null {
  if (shown?.type !== 'draft' || shown.draft.status !== 'draft') return null;
  const { draft } = shown;
  return { digest: draft.digest ?? '', parts: partHashes(draft, draft.provider_resolved) };
}

function withEntries({ log, shown }: State, { run_id, from, entries }: Of<'log'>) {
  if (shown?.type === 'run' && shown.run.id !== run_id) return log;
  // Entries after a gap are of no use; the host sends the log anew when it is asked.
  return from > log.length ? log : [...log.slice(0, from), ...entries];
}

/** Whether the server is locked down: what would be refused then is not offered. */
export const isLocked = ({ shown }: State): boolean => shown?.locked === true;

const idle = (state: State) => state.busy === null && state.away === null;

/** Whether what is shown is known not to be what the digest names. */
export function mismatch({ shown, ownDigest }: State): boolean {
  return (
    shown?.type === 'draft' &&
    shown.draft.status === 'draft' &&
    ownDigest !== null &&
    ownDigest !== shown.draft.digest
  );
}

/** The draft, if something can be decided about it now: a rejection at least. */
export function decidable(state: State): DraftMessage | null {
  const { shown } = state;
  return idle(state) && shown?.type === 'draft' && shown.draft.status === 'draft' ? shown : null;
}

/** The draft, if it can be changed now. */
export const editable = (state: State): DraftMessage | null =>
  isLocked(state) ? null : decidable(state);

/** What an approval would name, if exactly what is shown can be approved now. */
export function approvable(state: State): { id: string; digest: string; own: string } | null {
  const found = editable(state);
  const { ownDigest: own, changed } = state;
  if (found === null || own === null || changed !== null || found.draft.digest !== own) return null;
  return { id: found.draft.id, digest: found.draft.digest, own };
}

/** The artifact, if a run can be asked for now. */
export function runnable(state: State): ApprovedMessage | null {
  const found = artifact(state);
  return found?.approved.runnable === true ? found : null;
}

/** The artifact, if it cannot run any more and a new draft can be made of it now. */
export function redraftable(state: State): ApprovedMessage | null {
  const found = artifact(state);
  return found?.approved.runnable === false ? found : null;
}

/** The artifact, if anything can be done with it now. */
function artifact(state: State): ApprovedMessage | null {
  const { shown } = state;
  return idle(state) && !isLocked(state) && shown?.type === 'approved' ? shown : null;
}

export const isLive = ({ run }: RunMessage): boolean =>
  run.status === 'pending' || run.status === 'running' || run.status === 'paused';

/** The run, if it can be stopped now. */
export function cancellable(state: State): RunMessage | null {
  const { shown } = state;
  return idle(state) && shown?.type === 'run' && isLive(shown) ? shown : null;
}

/** The run, if it can be told to wait before its next step. */
export function pausable(state: State): RunMessage | null {
  const found = cancellable(state);
  return found === null || found.run.status === 'paused' || isPausing(found) ? null : found;
}

/** Whether somebody has asked for it to wait, and the step that is under way has not ended yet. */
export const isPausing = ({ run }: RunMessage): boolean =>
  run.status !== 'paused' && run.pause_requested === true;

/** The run, if it waits for somebody to let it go on. */
export function resumable(state: State): RunMessage | null {
  const found = isLocked(state) ? null : cancellable(state);
  return found?.run.status === 'paused' ? found : null;
}

/** The run, if what it changed can be put back now. */
export function undoable(state: State): RunMessage | null {
  const { shown } = state;
  const may = idle(state) && !isLocked(state);
  return may && shown?.type === 'run' && leavesChanges(shown) ? shown : null;
}

/** Whether it is over and has changed files, and nobody has undone that. */
export function leavesChanges(shown: RunMessage): boolean {
  if (isLive(shown) || shown.run.undone_at !== undefined) return false;
  return shown.run.steps.some(
    ({ kind, status }) => kind === 'edit' && (status === 'done' || status === 'error'),
  );
}

/** Why a run of this draft could only fail now; null if nothing is known that speaks against it. */
export function runBlocked({ shown }: State): string | null {
  if (shown?.type !== 'draft') return null;
  const codes = new Set(shown.looked?.warnings.map(({ code }) => code));
  if (codes.has('command_refused')) return 'Cannot run yet: a command is not allowed';
  return codes.has('path_refused') ? 'Cannot run: a file would be refused' : null;
}
