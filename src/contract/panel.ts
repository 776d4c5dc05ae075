import { z } from 'zod';
import { ErrorCodeSchema } from './errors.ts';
import { Draft } from './operations.ts';
import { Approved, LogEntry, RunRecord, stepStatuses, Warning } from './records.ts';
import { Undone } from './rows/runs.ts';

/*
 * What the extension host and the review panel say to each other. Both sides parse with these schemas: the panel shows
 * text that a machine wrote, so neither side trusts the shape of what arrives.
 */

/** What a panel shows. It is all that a panel remembers across a reload of the window. */
export const PanelSubject = z.object({
  kind: z.enum(['draft', 'approved', 'run']),
  id: z.string(),
});
export type PanelSubject = z.infer<typeof PanelSubject>;

/** What stands now where an edit would write. */
export const Base = z.discriminatedUnion('state', [
  z.object({ path: z.string(), state: z.literal('file'), text: z.string() }),
  z.object({ path: z.string(), state: z.literal('missing') }),
  /** It cannot be compared; `why` is a sentence. */
  z.object({ path: z.string(), state: z.literal('unread'), why: z.string() }),
]);
export type Base = z.infer<typeof Base>;

/** What a look at the workspace found, for a record that can still be acted on. */
export const Looked = z.object({
  /** One for each path that an edit step names. */
  bases: z.array(Base),
  warnings: z.array(Warning),
  /** Why the server could not say what to look at; null if it could. */
  failed: z.string().nullable(),
});
export type Looked = z.infer<typeof Looked>;

/** Whether the server is locked down: reading, rejecting, pausing and cancelling work, and nothing else does. */
const locked = z.boolean();

/** From the extension host to the panel. */
export const ToPanel = z.discriminatedUnion('type', [
  /** The draft as it is now; sent again whenever it changes, or what stands in the workspace does. */
  z.object({
    type: z.literal('draft'),
    draft: Draft,
    /** Null if the draft is final. */
    looked: Looked.nullable(),
    /** Whether approving also runs it, unless told otherwise. */
    auto_run: z.boolean(),
    /** Whether a rejection needs a reason. */
    reason_required: z.boolean(),
    locked,
  }),
  z.object({
    type: z.literal('approved'),
    approved: Approved,
    /** Null if it cannot run: it may have run before, so there is nothing to compare it with. */
    looked: Looked.nullable(),
    locked,
  }),
  /** A run without its log, which comes in pieces. */
  z.object({
    type: z.literal('run'),
    run: RunRecord,
    approved: Approved.nullable(),
    /** Null unless it is paused: then what comes next is compared with what stands there. */
    looked: Looked.nullable(),
    locked,
  }),
  /** Entries of the log from index `from` on. With `from` 0 the log begins anew. */
  z.object({
    type: z.literal('log'),
    run_id: z.string(),
    from: z.int().nonnegative(),
    entries: z.array(LogEntry),
  }),
  /** What an undo that a person asked for came to. */
  z.object({ type: z.literal('undone'), run_id: z.string(), ...Undone.shape }),
  /** Something was asked for and is under way; null when it has ended. */
  z.object({ type: z.literal('busy'), what: z.string().nullable() }),
  /** What was asked for was refused: why, and what to do. */
  z.object({ type: z.literal('refused'), code: ErrorCodeSchema.nullable(), message: z.string() }),
  /** There is no server at the moment, or the record is gone. What is shown may be old: nothing can be decided. */
  z.object({ type: z.literal('away'), message: z.string() }),
]);
export type ToPanel = z.infer<typeof ToPanel>;

/** From the panel to the extension host. */
export const FromPanel = z.discriminatedUnion('type', [
  /** The panel has loaded and listens. */
  z.object({ type: z.literal('ready') }),
  /** The panel has rendered a draft whole; `digest` is its own hash of what it rendered. */
  z.object({ type: z.literal('rendered'), draft_id: z.string(), digest: z.string() }),
  z.object({
    type: z.literal('approve'),
    draft_id: z.string(),
    /** The digest that the draft carried. */
    digest: z.string(),
    /** The panel's own hash of what it rendered. */
    shown_digest: z.string(),
    run: z.boolean(),
  }),
  z.object({ type: z.literal('reject'), draft_id: z.string(), reason: z.string().nullable() }),
  z.object({ type: z.literal('edit'), draft_id: z.string() }),
  z.object({ type: z.literal('open_diff'), draft_id: z.string() }),
  /** Asks the model once more for what a draft that failed was to be. */
  z.object({ type: z.literal('generate_again'), draft_id: z.string() }),
  z.object({ type: z.literal('run'), approved_id: z.string() }),
  /** Makes a new draft with the content of an artifact that can no longer run, and shows it. */
  z.object({ type: z.literal('redraft'), approved_id: z.string() }),
  z.object({ type: z.literal('cancel'), run_id: z.string() }),
  z.object({ type: z.literal('pause'), run_id: z.string() }),
  /** Lets a paused run go on, also past the gate at which it waits. */
  z.object({
    type: z.literal('resume'),
    run_id: z.string(),
    /** How its steps stood when the person decided. */
    seen: z.array(z.enum(stepStatuses)),
  }),
  /** Puts back what the run's edits changed; the host asks before it does. */
  z.object({ type: z.literal('undo'), run_id: z.string() }),
  /** Asks whether the lockdown is to end. */
  z.object({ type: z.literal('resolve_lockdown') }),
  /** Shows another record, in its own panel. */
  z.object({ type: z.literal('open'), subject: PanelSubject }),
]);
export type FromPanel = z.infer<typeof FromPanel>;
