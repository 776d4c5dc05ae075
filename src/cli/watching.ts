import type { Client } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent, ChangeType } from '../contract/events.ts';
import type { Args, DraftListItem, OpId } from '../contract/operations.ts';
import type { Approved } from '../contract/records.ts';
import type { RunListItem } from '../contract/rows/runs.ts';
import { visibleLine } from '../contract/visible.ts';
import type { Session } from './deps.ts';
import type { Colour, Part } from './output.ts';
import { patiently } from './patience.ts';
import { statusPart } from './render.ts';

/** Tells a person what has changed, by reading it. */
export interface Reporter {
  /** @param event null: whatever was told may be old, so what waits now is told */
  tell(event: ChangeEvent | null): Promise<void>;
}

/** What an event is about: two with the same key are told as one. */
export const keyOf = ({ type, id }: ChangeEvent): string => `${type} ${id ?? ''}`;

const live = ['pending', 'running', 'paused'] as const;
/** Records that are told in the beginning, at most, of each kind. */
const most = 50;

const sentences: Readonly<Partial<Record<ChangeType, string>>> = {
  plan: 'The plan was changed. Look with: gimo plan',
  config: 'The configuration was changed. Look with: gimo config',
  provider: 'The providers were changed. Look with: gimo provider',
  changes: 'A file with settings was changed outside. Look with: gimo changes',
  server: 'The server stops or starts again.',
};

/** Writes what happens, a line each. */
function createLines({ out, deps }: Session) {
  /** What was told last of each record, so that the same is not told twice. */
  const told = new Map<string, string>();
  const time = (): Part => ({
    text: `${new Date(deps.now()).toISOString().slice(11, 19)} `,
    colour: 'dim',
  });
  return {
    record(kind: string, id: string, status: string, text: string, next: string | null) {
      const now = JSON.stringify([status, text, next]);
      if (told.get(id) === now) return;
      told.set(id, now);
      out.cut(time(), `${kind.padEnd(8)} ${id} `, statusPart(status, 9), ` ${text}`);
      if (next !== null) out.line({ text: '         → ', colour: 'dim' }, visibleLine(next));
    },
    sentence(text: string, colour?: Colour) {
      out.line(time(), colour === undefined ? text : { text, colour });
    },
    /** @returns whether anything was told of the record */
    forget: (id: string) => told.delete(id),
  };
}

type Lines = ReturnType<typeof createLines>;

function tellDraft(lines: Lines, { id, status, prompt }: DraftListItem) {
  const waits = status === 'draft';
  lines.record('draft', id, waits ? 'waits' : status, prompt, waits ? `gimo approve ${id}` : null);
}

function tellRun(lines: Lines, run: RunListItem) {
  const { id, status } = run;
  const next = status === 'paused' ? `gimo resume ${id}, or gimo cancel ${id}` : null;
  lines.record('run', id, status, whereOf(run), next);
}

function tellApproved(lines: Lines, { id, runnable, prompt }: Approved) {
  lines.record('approved', id, runnable ? 'approved' : 'spent', prompt, null);
}

/** What reads a record and tells it. */
type Tellers = Readonly<Partial<Record<ChangeType, (id: string) => Promise<void>>>>;

/** @param signal ends the reading */
export function createReporter(session: Session, client: Client, signal: AbortSignal): Reporter {
  const lines = createLines(session);
  const call = <K extends OpId>(id: K, args: Args[K]) =>
    patiently(() => client.call(id, args, { signal }), signal);
  const lockdown = async () => {
    const { panic_mode } = await call('getStatus', {});
    if (panic_mode) lines.sentence('The server is locked down. End it with: gimo resolve', 'red');
    return panic_mode;
  };
  const overview = async () => {
    const drafts = await call('listDrafts', { limit: most, status: ['draft'], view: 'summary' });
    const runs = await call('listRuns', { limit: most, status: [...live] });
    if (drafts.length + runs.length === 0) lines.sentence('Nothing waits, and nothing runs.');
    for (const draft of drafts.toReversed()) tellDraft(lines, draft);
    for (const run of runs.toReversed()) tellRun(lines, run);
    await lockdown();
  };
  const tellers: Tellers = {
    draft: async (draft_id) => tellDraft(lines, await call('getDraft', { draft_id })),
    run: async (run_id) => tellRun(lines, await call('getRun', { run_id })),
    approved: async (approved_id) =>
      tellApproved(lines, await call('getApproved', { approved_id })),
  };
  const change = async ({ type, id }: ChangeEvent) => {
    const sentence = sentences[type];
    if (type === 'panic') {
      if (!(await lockdown())) lines.sentence('The server is open.');
    } else if (sentence !== undefined) lines.sentence(sentence);
    else if (id !== null) await tellers[type]?.(id);
  };
  return {
    async tell(event) {
      if (event === null) return overview();
      try {
        await change(event);
      } catch (error) {
        if (!GimoError.is(error, 'not_found') || event.id === null) throw error;
        if (lines.forget(event.id)) lines.sentence(`${event.id} was cleaned up.`);
      }
    },
  };
}

/** Where a run stands, in words. */
function whereOf({ status, steps = [], error, approved_id }: RunListItem): string {
  if (error !== null && error !== undefined) return error;
  const at = steps.findIndex((step) => step.status === 'running');
  const step = steps[at];
  if (step === undefined) return `of ${approved_id}`;
  const name = step.title ?? step.id;
  if (status === 'paused' && step.kind === 'gate') return `waits at the gate "${name}"`;
  return `at step ${at + 1} of ${steps.length}: ${step.kind} "${name}"`;
}
