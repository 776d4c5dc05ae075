import * as vscode from 'vscode';
import type { EditorAnswer, EditorModel } from '../../core/editor-model.ts';
import { Refusal } from '../messages.ts';
import { oneLine } from '../text.ts';
import { createModelConsent, type ModelConsent, refusedText } from './modelConsent.ts';
import { type OfferedModel, offeredModel } from './providerChoices.ts';

/** How long the editor may take to tell what it offers, in milliseconds: it may start extensions for that. */
const patience = 3_000;
const justification =
  'GIMO asks it for the drafts that you generate, and for the prompts that you approve.';
const another = 'Choose another provider with "GIMO: Choose Provider".';

type Request = Parameters<EditorModel['ask']>[1];

/** The models of this window's editor, whichever extension brings them. */
export interface LanguageModels extends EditorModel {
  /** What the editor offers now; nothing where it has no models, or takes too long to tell. Never rejects. */
  offered(): Promise<readonly OfferedModel[]>;
  /**
   * Lets the editor ask whether GIMO may use a model, if it has not asked before. Only to be called at a person's word.
   * Rejects with a `Refusal` if it may not, or if there is no such model.
   */
  askConsent(model: string): Promise<void>;
}

/**
 * Asks the editor's models on behalf of GIMO, as far as a person lets it.
 *
 * @param memory is over all folders
 * @param note gets what kept the editor from telling what it offers
 */
export function createLanguageModels(
  memory: vscode.Memento,
  note: (error: unknown) => void,
): LanguageModels {
  const consent = createModelConsent(memory);
  return {
    offered: () => withinPatience(select(), note),
    ask: (model, request) => ask(consent, model, request),
    async check(wanted, signal) {
      const found = await orAborted(signal, find(wanted));
      if ('problem' in found) return found;
      const problem = consent.problem(found, 'person');
      if (problem !== null) return { problem };
      const how = consent.allows(found.vendor)
        ? 'and lets GIMO use it'
        : 'and asks you once before GIMO may use it';
      return { text: `The editor has ${found.name}, ${how}.` };
    },
    async askConsent(wanted) {
      const found = await find(wanted);
      if ('problem' in found) throw new Refusal(found.problem);
      const may = await asksPerson(found);
      await consent.note(found.vendor, may);
      if (!may) throw new Refusal(refusedText(found.name));
    },
  };
}

async function ask(consent: ModelConsent, wanted: string, request: Request): Promise<EditorAnswer> {
  const { signal, audience } = request;
  const found = await orAborted(signal, find(wanted));
  if ('problem' in found) return found;
  const problem = consent.problem(found, audience);
  if (problem !== null) return { problem };
  try {
    return { text: await converse(found, request, () => consent.note(found.vendor, true)) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ModelFailure)) throw error;
    if (isRefusal(error.cause)) await consent.note(found.vendor, false);
    return { problem: problemIn(error.cause, found.name) };
  }
}

/** Lets the editor ask, if it has not asked before. @returns whether GIMO may use the model */
async function asksPerson(model: vscode.LanguageModelChat): Promise<boolean> {
  // Cancelled from the start: the editor asks whether GIMO may use the model, and then cancels what it sends.
  const cancelled = new vscode.CancellationTokenSource();
  cancelled.cancel();
  try {
    const messages = [vscode.LanguageModelChatMessage.User('Hello')];
    await model.sendRequest(messages, { justification }, cancelled.token);
    return true;
  } catch (error) {
    // Whatever else it is, the cancellation above all, came after it was allowed.
    return !isRefusal(error);
  } finally {
    cancelled.dispose();
  }
}

/** The editor's models; none where the editor has no API for them. */
async function select(): Promise<vscode.LanguageModelChat[]> {
  const { lm }: { lm?: Partial<typeof vscode.lm> } = vscode;
  return (await lm?.selectChatModels?.({})) ?? [];
}

async function find(wanted: string): Promise<vscode.LanguageModelChat | { problem: string }> {
  let models: vscode.LanguageModelChat[];
  try {
    models = await select();
  } catch (error) {
    return { problem: `The editor could not tell its models: ${wordsOf(error)} ${another}` };
  }
  const found = offeredModel(models, wanted);
  if (found !== undefined) return found;
  const problem =
    models.length === 0
      ? `The editor has no language model now. Sign in to an extension that brings one, or choose another provider.`
      : `The editor has no model "${oneLine(wanted, 60)}". ${another}`;
  return { problem };
}

/** What a model failed with, told apart from what the caller threw while it was told the answer. */
class ModelFailure extends Error {}

const failing = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((cause: unknown) => {
    throw new ModelFailure('the model failed', { cause });
  });

/**
 * Sends a text, and passes the answer on while it arrives.
 *
 * @param begun called once the editor has let the request through
 * @returns the whole answer; rejects with a {@link ModelFailure}, or with the signal's reason when aborted
 */
async function converse(
  model: vscode.LanguageModelChat,
  { text, signal, onText }: Request,
  begun: () => Promise<void>,
): Promise<string> {
  const stop = new vscode.CancellationTokenSource();
  const onAbort = () => stop.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  const messages = [vscode.LanguageModelChatMessage.User(text)];
  try {
    const sent = model.sendRequest(messages, { justification }, stop.token);
    const response = await failing(orAborted(signal, sent));
    await begun();
    const pieces = response.text[Symbol.asyncIterator]();
    for (let answer = ''; ; ) {
      const next = await failing(orAborted(signal, pieces.next()));
      if (next.done === true) return answer;
      answer += next.value;
      onText(next.value);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop.dispose();
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof vscode.LanguageModelError &&
  error.code === vscode.LanguageModelError.NoPermissions().code;

/** Why a model did not answer, as a sentence or two. */
function problemIn(error: unknown, name: string): string {
  if (isRefusal(error)) return refusedText(name);
  const { LanguageModelError } = vscode;
  const code = error instanceof LanguageModelError ? error.code : null;
  if (code === LanguageModelError.NotFound().code)
    return `${name} is not among the editor's models any more. ${another}`;
  if (code === LanguageModelError.Blocked().code)
    return `The editor's model ${name} takes no request now: ${wordsOf(error)} Try again later, or choose another provider.`;
  return `The editor's model ${name} failed: ${wordsOf(error)} Try again, or choose another provider.`;
}

/** What was thrown, as a sentence. */
function wordsOf(error: unknown): string {
  const words = oneLine(error instanceof Error ? error.message : String(error), 400);
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}

/** What a promise gives, unless the signal is aborted before: then it rejects with the reason. */
function orAborted<T>(signal: AbortSignal, promise: PromiseLike<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const end = () => signal.removeEventListener('abort', onAbort);
    promise.then(resolve, reject).then(end, end);
  });
}

/** What is told in time; nothing if it is not. */
async function withinPatience<T>(
  telling: Promise<readonly T[]>,
  note: (error: unknown) => void,
): Promise<readonly T[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly T[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patience);
  });
  const told = telling.catch((error: unknown) => {
    note(error);
    return [];
  });
  const found = await Promise.race([told, late]);
  clearTimeout(timer);
  return found;
}
