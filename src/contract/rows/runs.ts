import { z } from 'zod';
import { op } from '../operation.ts';
import { LogEntry, RunRecord, RunStatus } from '../records.ts';
import { Id, idempotent, page } from './shared.ts';

export const RunListItem = RunRecord.partial({ log: true, steps: true });
export type RunListItem = z.infer<typeof RunListItem>;

/** What an undo came to: the files that are as they were before the run, and those that were left alone. */
export const Undone = z.object({
  restored: z.array(z.string()),
  /** `why` is a sentence. */
  left: z.array(z.object({ path: z.string(), why: z.string() })),
});
export type Undone = z.infer<typeof Undone>;

/** Runs: what becomes of approved artifacts. */
export const runRows = {
  listRuns: op({
    method: 'get',
    path: '/ops/runs',
    role: 'actions',
    input: z.object({ ...page, status: z.array(RunStatus).optional() }),
    output: z.array(RunListItem),
    status: 200,
    summary: 'Lists runs, newest first.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getRun: op({
    method: 'get',
    path: '/ops/runs/{run_id}',
    role: 'actions',
    input: z.object({ run_id: Id }),
    output: RunRecord,
    status: 200,
    etag: true,
    summary: 'Reads one run with its steps and its whole log.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getRunLog: op({
    method: 'get',
    path: '/ops/runs/{run_id}/log',
    role: 'actions',
    input: z.object({ run_id: Id, after: z.int().min(0).default(0) }),
    output: z.object({ entries: z.array(LogEntry), next: z.int(), done: z.boolean() }),
    status: 200,
    summary: 'Reads the log of a run after the entries that the caller already has.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  createRun: op({
    method: 'post',
    path: '/ops/runs',
    role: 'operator',
    input: z.object({ approved_id: Id, ...idempotent }),
    output: RunRecord,
    status: 201,
    etag: true,
    refusals: [404, 409],
    summary: 'Runs an approved artifact.',
    effect: 'mutation',
    creates: true,
    actions: true,
    mcp: true,
  }),
  cancelRun: op({
    method: 'post',
    path: '/ops/runs/{run_id}/cancel',
    role: 'operator',
    input: z.object({ run_id: Id }),
    output: RunRecord,
    status: 200,
    etag: true,
    refusals: [409],
    summary: 'Stops a run: a pending one at once, a running one as soon as its work has stopped.',
    description:
      'A run that was stopped is `cancelled`, with `error` set if something was left that a person has to know: a change that could not be put back, a program that did not end. One that is over answers 409.',
    effect: 'brake',
    inLockdown: true,
    actions: true,
    mcp: true,
  }),
  pauseRun: op({
    method: 'post',
    path: '/ops/runs/{run_id}/pause',
    role: 'operator',
    input: z.object({ run_id: Id }),
    output: RunRecord,
    status: 200,
    etag: true,
    refusals: [409],
    summary: 'Holds a run before its next step; the step that is under way comes to its end.',
    effect: 'brake',
    inLockdown: true,
    actions: true,
    mcp: false,
  }),
  resumeRun: op({
    method: 'post',
    path: '/ops/runs/{run_id}/resume',
    role: 'operator',
    input: z.object({
      run_id: Id,
      step: z
        .string()
        .optional()
        .describe(
          'The id of the step that the caller knows to come next: the gate, or the first that is not done. If another comes next by now, 412 and the run stays paused.',
        ),
    }),
    query: ['step'],
    output: RunRecord,
    status: 200,
    asks: true,
    etag: true,
    refusals: [409, 412],
    summary: 'Lets a paused run go on with its next step, also one that waits at a gate.',
    description:
      'Name the step that you know to come next, so that a late answer lets no other pass: 412 if it is not. Without it, whatever comes next goes on. Where a person has to be asked in the editor, 202, and the run stays paused until they have answered.',
    effect: 'mutation',
    actions: true,
    mcp: false,
  }),
  undoRun: op({
    method: 'post',
    path: '/ops/runs/{run_id}/undo',
    role: 'operator',
    input: z.object({ run_id: Id }),
    output: Undone,
    status: 200,
    description:
      'Files that were changed since are left alone, and told with the reason. Once nothing is left, the run has `undone_at`, and another undo answers 409.',
    refusals: [409],
    summary:
      'Puts back the files that a finished run changed, where they are still as it left them.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
};
