import type { Client } from '../../client/client.ts';
import type { ChangeEvent } from '../../contract/events.ts';
import { FromPanel, PanelSubject, type ToPanel } from '../../contract/panel.ts';
import { nextStep } from '../../contract/steps.ts';
import { answered } from '../answered.ts';
import { Refusal } from '../messages.ts';
import { createLogPieces } from './logPieces.ts';
import { codeOf, createReading, type ReadingPorts, toldOf } from './reading.ts';

/*
 * One panel's talk with the server, without the editor. It is loaded with the first panel, since it brings the
 * contract's schemas, which are too heavy to be there before.
 */

export interface SessionPorts extends ReadingPorts {
  /** Of the server of this window; null while there is none. */
  client(): Client | null;
  post(message: ToPanel): void;
  /** Shows another record in its own panel. */
  open(subject: PanelSubject): void;
  decisions: {
    edit(id: string): void;
    openDiff(id: string): void;
    generateAgain(id: string): void;
    /** Asks whether the lockdown is to end. */
    resolveLockdown(): void;
    /** Asks whether a run's edits are to be taken back. */
    confirmUndo(runId: string): Promise<boolean>;
  };
  /** A draft with exactly this digest was rendered whole, and the panel's own hash says the same. */
  rendered(draftId: string, digest: string): void;
}

export interface Session {
  /** What has to be read again after this: the record, only the log of the run, or nothing. */
  concerns(event: ChangeEvent): 'record' | 'log' | null;
  /** Whether a file of the workspace is one that the panel compares with, or would. @param file absolute */
  concernsFile(file: string): boolean;
  /** Reads the record and sends it. Never rejects. */
  refresh(): Promise<void>;
  /** Sends what was logged since. Never rejects. */
  refreshLog(): Promise<void>;
  /** Takes a message of the panel. What does not fit is dropped. Never rejects. */
  receive(raw: unknown): Promise<void>;
  /** Nobody listens until the panel says that it is ready again. */
  pause(): void;
}

type Message<T extends FromPanel['type']> = Extract<FromPanel, { type: T }>;

/** What a panel remembered; null if that names no record. */
export function recall(state: unknown): PanelSubject | null {
  return PanelSubject.safeParse(state).data ?? null;
}

export function createSession(ports: SessionPorts): Session {
  const { subject } = ports;
  const log = createLogPieces(subject.id);
  const reading = createReading(ports);
  let listens = false;
  let last: Promise<void> = Promise.resolve();

  const post = (message: ToPanel) => {
    if (listens) ports.post(message);
  };
  /* One read at a time, so that an older answer never comes after a newer one. Jobs handle their own errors. */
  const inTurn = (job: () => Promise<void>) => {
    last = last.then(job);
    return last;
  };

  const read = async (client: Client) => {
    post(await reading.read(client));
    if (subject.kind === 'run') await readLog(client);
  };
  const readLog = async (client: Client) => {
    const piece = await log.next(client);
    if (piece !== null) post(piece);
  };

  const attempt = async (job: (client: Client) => Promise<void>) => {
    const client = ports.client();
    if (!listens) return;
    if (client === null) return post({ type: 'away', message: noServer });
    try {
      await job(client);
    } catch (error) {
      ports.note(error);
      post({ type: 'away', message: awayMessage(subject, error) });
    }
  };
  const refresh = () => inTurn(() => attempt(read));

  /** Does what a person asked for, tells if it was refused, and shows how things are now. */
  const act = async (what: string, job: (client: Client) => Promise<void>) => {
    const client = ports.client();
    if (client === null) return post({ type: 'away', message: noServer });
    post({ type: 'busy', what });
    try {
      await job(client);
    } catch (error) {
      ports.note(error);
      post({ type: 'refused', code: codeOf(error), message: toldOf(error) });
    }
    await refresh();
    post({ type: 'busy', what: null });
  };

  const approve = (message: Message<'approve'>) =>
    act(message.run ? 'Approving and starting' : 'Approving', async (client) => {
      const { draft_id, digest, shown_digest, run: auto_run } = message;
      const named = { draft_id, digest, shown_digest, auto_run };
      const { run, run_error } = answered(await client.call('approveDraft', named));
      if (run !== null) ports.open({ kind: 'run', id: run.id });
      if (run_error === undefined) return;
      const told = `The draft is approved, but no run was made. ${run_error}`;
      post({ type: 'refused', code: null, message: told });
    });
  const reject = ({ draft_id, reason }: Message<'reject'>) =>
    act('Rejecting', async (client) => {
      const etag = reading.sent()?.etag;
      const ifMatch = etag === undefined ? {} : { ifMatch: etag };
      await client.call('rejectDraft', { draft_id, reason }, ifMatch);
    });
  const run = ({ approved_id }: Message<'run'>) =>
    act('Starting a run', async (client) => {
      const { id } = await client.call('createRun', { approved_id });
      ports.open({ kind: 'run', id });
    });
  const redraft = ({ approved_id }: Message<'redraft'>) =>
    act('Making a new draft', async (client) => {
      const { id } = await client.call('redraft', { approved_id });
      ports.open({ kind: 'draft', id });
    });
  const cancel = ({ run_id }: Message<'cancel'>) =>
    act('Stopping', async (client) => {
      await client.call('cancelRun', { run_id });
    });
  const pause = ({ run_id }: Message<'pause'>) =>
    act('Pausing', async (client) => {
      await client.call('pauseRun', { run_id });
    });
  const resume = ({ run_id, seen }: Message<'resume'>) =>
    act('Going on', async (client) => {
      const { status, steps } = await client.call('getRun', { run_id });
      // Somebody else may have let it go on meanwhile, to a gate that this person has not looked at.
      if (status !== 'paused' || steps.map((step) => step.status).join() !== seen.join())
        throw new Refusal('The run is not where you saw it, so nothing was resumed. Look again.');
      answered(await client.call('resumeRun', { run_id, step: nextStep(steps)?.id }));
    });
  const undo = ({ run_id }: Message<'undo'>) =>
    act('Undoing', async (client) => {
      if (!(await ports.decisions.confirmUndo(run_id))) return;
      post({ type: 'undone', run_id, ...(await client.call('undoRun', { run_id })) });
    });

  const ready = () => {
    listens = true;
    log.forget();
    return refresh();
  };
  const rendered = ({ digest }: Message<'rendered'>) => {
    const sent = reading.sent()?.digest;
    if (digest === sent) ports.rendered(subject.id, digest);
    else ports.note(new Error(`A panel rendered ${subject.id} as ${digest}, not ${sent}.`));
  };

  const carryOut = async (message: FromPanel): Promise<void> => {
    switch (message.type) {
      case 'ready':
        return ready();
      case 'rendered':
        return rendered(message);
      case 'approve':
        return approve(message);
      case 'reject':
        return reject(message);
      case 'edit':
        return ports.decisions.edit(message.draft_id);
      case 'open_diff':
        return ports.decisions.openDiff(message.draft_id);
      case 'generate_again':
        return ports.decisions.generateAgain(message.draft_id);
      case 'run':
        return run(message);
      case 'redraft':
        return redraft(message);
      case 'cancel':
        return cancel(message);
      case 'pause':
        return pause(message);
      case 'resume':
        return resume(message);
      case 'undo':
        return undo(message);
      case 'resolve_lockdown':
        return ports.decisions.resolveLockdown();
      case 'open':
        return ports.open(message.subject);
    }
  };

  return {
    concerns: (event) => concerns(subject, event),
    concernsFile: reading.concernsFile,
    refresh,
    refreshLog: () => inTurn(() => attempt(readLog)),
    async receive(raw) {
      const message = FromPanel.safeParse(raw);
      if (message.success && isAbout(subject, message.data)) await carryOut(message.data);
      else ports.note(new Error(`A message of the panel of ${subject.id} was dropped.`));
    },
    pause() {
      listens = false;
    },
  };
}

/** A panel decides about the record that it shows, and about no other. */
function isAbout({ kind, id }: PanelSubject, message: FromPanel): boolean {
  if ('draft_id' in message) return kind === 'draft' && message.draft_id === id;
  if ('approved_id' in message) return kind === 'approved' && message.approved_id === id;
  if ('run_id' in message) return kind === 'run' && message.run_id === id;
  return true;
}

function concerns({ kind, id }: PanelSubject, event: ChangeEvent): 'record' | 'log' | null {
  const mine = event.id === null || event.id === id;
  if (event.type === kind && mine) return 'record';
  if (event.type === 'log') return kind === 'run' && mine ? 'log' : null;
  // A lockdown that begins or ends changes what may be decided about anything.
  if (event.type === 'panic') return 'record';
  // A change of provider changes what a draft's digest names, and whether an artifact may run.
  if (event.type === 'provider' || event.type === 'config') return kind === 'run' ? null : 'record';
  return null;
}

const noServer = 'The GIMO server is not running in this window. To decide something, start it.';

function awayMessage({ kind }: PanelSubject, error: unknown): string {
  if (codeOf(error) !== 'not_found') return toldOf(error);
  const what = { draft: 'draft', approved: 'approved artifact', run: 'run' }[kind];
  return `This ${what} is not there any more. It may have been cleaned up because of its age.`;
}
