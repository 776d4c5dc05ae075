import type { Client } from '../../client/client.ts';
import type { ChangeEvent } from '../../contract/events.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import { nextStep } from '../../contract/steps.ts';
import type { Person, Question } from '../../core/work.ts';
import { coalesce } from '../coalesce.ts';
import { unlessGone } from '../messages.ts';
import { questionText, severalAsk } from './questionText.ts';

/** How a person is spoken to. */
export interface QuestionUi {
  /** Whether the person wants no notifications. What only they can decide waits elsewhere then. */
  quiet(): boolean;
  /** Told how many requests are open that no draft and no run stands for. */
  requests(count: number): void;
  /** Shows a notification that can be reviewed. Resolves when it is gone, with whether the person wants to review. */
  notify(text: string): Promise<boolean>;
  /** Lets the person choose one of several questions; null if they choose none. */
  choose(texts: readonly string[]): Promise<number | null>;
  review(subject: PanelSubject): void;
  /** Lists what would change, and asks whether it may. */
  allows(text: string, changes: readonly string[]): Promise<boolean>;
  /** Tells in passing. */
  told(text: string): void;
  failed(error: unknown): void;
  /** Told what went wrong in the background. */
  note(error: unknown): void;
}

/** The part of a server that questions look at. */
export interface QuestionHost {
  readonly client: Client;
  onChange(listener: (event: ChangeEvent) => void): () => void;
}

export interface OpenQuestions extends Person {
  /** The server of the window, or null. What another one asked is not open any more. */
  connect(host: QuestionHost | null): void;
  /** Shows what is open, as after a notification; what the person does not choose stays open. Never rejects. */
  review(): Promise<void>;
  /** Whether a question about this record is open. */
  asksAbout(subject: PanelSubject): boolean;
  dispose(): void;
}

interface Open {
  question: Question;
  text: string;
  /** Which notification told it last; 0: none yet. */
  shownBy: number;
  close(): void;
}

const decided = 'What was asked is decided already.';

/** Milliseconds: questions that come together are told together. */
const quietMs = 100;

/**
 * The questions that are open in this window, and the notifications that tell them: one for several. Whatever the person
 * does with a notification, the question is over; asked again, it is told again. Without notifications it stays open until
 * the person comes to it.
 */
export function createOpenQuestions(ui: QuestionUi): OpenQuestions {
  const open = new Set<Open>();
  let host: QuestionHost | null = null;
  let unsubscribe = () => {};
  let notifications = 0;

  const count = () =>
    ui.requests([...open].filter(({ question }) => question.about === 'config').length);

  const review = async (told: readonly Open[], { dismisses }: { dismisses: boolean }) => {
    const left = told.filter((one) => open.has(one));
    const [only] = left;
    if (only === undefined) return ui.told(decided);
    if (left.length === 1) return decide(ui, host, only);
    const chosen = await ui.choose(left.map(({ text }) => text));
    if (chosen === null) {
      if (dismisses) for (const one of left) one.close();
      return;
    }
    const one = left[chosen];
    if (one !== undefined) await decide(ui, host, one);
    // The others still wait, and their notification is gone.
    for (const other of left) other.shownBy = 0;
    notifying.request();
  };

  const notify = async () => {
    if (ui.quiet()) return;
    if ([...open].every(({ shownBy }) => shownBy !== 0)) return;
    const told = [...open];
    notifications += 1;
    const mine = notifications;
    for (const one of told) one.shownBy = mine;
    const text = told.length === 1 ? (told[0]?.text ?? severalAsk) : severalAsk;
    // Not waited for: it may stay for hours, and others have to be told meanwhile.
    ui.notify(text)
      .then(async (wanted) => {
        if (wanted) return review(told, { dismisses: true });
        for (const one of told) if (one.shownBy === mine) one.close();
      })
      .catch(ui.failed);
  };
  const notifying = coalesce(notify, quietMs, ui.note, quietMs);

  const look = async (one: Open) => {
    if (host !== null && !(await waits(host.client, one.question))) one.close();
  };

  return {
    async ask(question) {
      const asked = host;
      // A server that starts may ask before this window knows that it runs.
      const title = asked === null ? null : await titleOf(asked.client, question);
      if (asked !== null && asked !== host) return;
      const text = questionText(question, title);
      await new Promise<void>((resolve) => {
        const one: Open = {
          ...{ question, text, shownBy: 0 },
          close() {
            open.delete(one);
            count();
            resolve();
          },
        };
        open.add(one);
        count();
        notifying.request();
      });
    },
    connect(next) {
      if (next === host) return;
      unsubscribe();
      if (host !== null) for (const one of [...open]) one.close();
      host = next;
      unsubscribe =
        next?.onChange((event) => {
          for (const one of open) if (concerns(event, one.question)) look(one).catch(ui.note);
        }) ?? (() => {});
    },
    async review() {
      try {
        await review([...open], { dismisses: false });
      } catch (error) {
        ui.failed(error);
      }
    },
    asksAbout: (subject) => [...open].some(({ question }) => isAbout(question, subject)),
    dispose() {
      unsubscribe();
      notifying.dispose();
      for (const one of [...open]) one.close();
    },
  };
}

/** Takes the person to what is asked, or lets them decide it here. With that the question is over. Never rejects. */
async function decide(ui: QuestionUi, host: QuestionHost | null, { question, text, close }: Open) {
  try {
    if (question.about === 'resume' && host !== null && !(await waits(host.client, question)))
      return ui.told(decided);
    if (question.about !== 'config') return ui.review(subjectOf(question));
    if (!(await ui.allows(text, question.changes))) return;
    await question.accept();
    ui.told('The configuration is changed, as you allowed.');
  } catch (error) {
    ui.failed(error);
  } finally {
    close();
  }
}

const subjectOf = (question: Exclude<Question, { about: 'config' }>): PanelSubject =>
  question.about === 'approve'
    ? { kind: 'draft', id: question.draft.id }
    : { kind: 'run', id: question.run.id };

function concerns({ type, id }: ChangeEvent, question: Question): boolean {
  if (question.about === 'config') return false;
  const subject = subjectOf(question);
  return type === subject.kind && (id === null || id === subject.id);
}

function isAbout(question: Question, { kind, id }: PanelSubject): boolean {
  if (question.about === 'config') return false;
  const subject = subjectOf(question);
  return subject.kind === kind && subject.id === id;
}

/** Whether there is still something to decide about. */
async function waits(client: Client, question: Question): Promise<boolean> {
  if (question.about === 'config') return true;
  if (question.about === 'approve') {
    const draft = await unlessGone(client.call('getDraft', { draft_id: question.draft.id }));
    return draft?.status === 'draft';
  }
  const run = await unlessGone(client.call('getRun', { run_id: question.run.id }));
  // At another gate it is another question.
  return run?.status === 'paused' && nextStep(run.steps)?.id === nextStep(question.run.steps)?.id;
}

/** What a run carries out; null if its artifact is gone, or the question is about something else. */
async function titleOf(client: Client, question: Question): Promise<string | null> {
  if (question.about !== 'resume') return null;
  const run = await unlessGone(client.call('getRun', { run_id: question.run.id }));
  if (run === null) return null;
  const { approved_id } = run;
  return (await unlessGone(client.call('getApproved', { approved_id })))?.prompt ?? null;
}
