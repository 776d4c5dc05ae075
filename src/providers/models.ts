import { GimoError } from '../contract/errors.ts';
import type { EditorAnswer, EditorModel } from '../core/editor-model.ts';
import type { RepoFacts } from '../core/repo-ports.ts';
import type { ModelAnswer, ModelRequest, Models, ModelTarget } from '../core/work.ts';
import { checkServer } from './check.ts';
import { providerError } from './failures.ts';
import { answerOffline } from './offline.ts';
import { askOpenAi } from './openai.ts';
import { baseUrl } from './presets.ts';
import { createWatch, defaultTimings, type ModelTimings } from './watch.ts';

export interface ModelsDeps {
  /** What the offline provider answers from. */
  facts: RepoFacts;
  /** The editor's own model; left out where there is no editor. */
  editor?: EditorModel | undefined;
  /** Other waiting times than the usual ones. */
  timeouts?: Partial<ModelTimings>;
}

/** Makes the way to every kind of model. Loads no SDK before one is asked. */
export function createModels(deps: ModelsDeps): Models {
  const timings = { ...defaultTimings, ...deps.timeouts };
  return {
    baseUrl,
    async ask(target, request) {
      request.signal.throwIfAborted();
      if (target.type === 'offline') return answerOffline(deps.facts, request);
      if (target.type === 'anthropic' && request.shape !== undefined) {
        // Its OpenAI compatibility ignores `response_format`, as it says.
        const asText = { ...request, shape: undefined };
        return { ...(await askOpenAi(reached(target), asText, timings)), shaped: false };
      }
      if (target.type !== 'editor') return askOpenAi(reached(target), request, timings);
      return askEditor(editorOf(target), target, request, timings);
    },
    async check(target, signal) {
      signal.throwIfAborted();
      if (target.type === 'offline')
        return 'Nothing is asked over a network. The offline provider answers from the files of the folder.';
      if (target.type !== 'editor')
        return checkServer({ ...reached(target), type: target.type }, signal, timings);
      return textOf(await editorOf(target).check(target.model, signal));
    },
  };

  function editorOf({ name }: ModelTarget): EditorModel {
    if (deps.editor !== undefined) return deps.editor;
    throw providerError(
      `The provider "${name}" is the editor's own model, and this server runs without an editor. Choose another provider.`,
    );
  }
}

/** Asks the editor's model, and gives up where it says nothing for too long. Token counts it does not tell. */
async function askEditor(
  editor: EditorModel,
  target: ModelTarget,
  request: ModelRequest,
  timings: ModelTimings,
): Promise<ModelAnswer> {
  const { text, audience, shape, onText } = request;
  const watch = createWatch(request.signal, timings);
  try {
    const answer = await editor.ask(target.model, {
      ...{ text, audience, signal: watch.signal },
      onText(piece) {
        watch.touch();
        onText?.(piece);
      },
    });
    return { text: textOf(answer), usage: null, ...(shape === undefined ? {} : { shaped: false }) };
  } catch (error) {
    request.signal.throwIfAborted();
    const expiry = watch.expired();
    if (expiry === null) throw error;
    const { firstByteMs, idleMs } = timings;
    const seconds = (expiry === 'first byte' ? firstByteMs : idleMs) / 1000;
    throw providerError(`The editor's model said nothing for ${seconds} s. Try again.`);
  } finally {
    watch.end();
  }
}

function textOf(answer: EditorAnswer): string {
  if ('problem' in answer) throw providerError(answer.problem);
  if (answer.text.trim() !== '') return answer.text;
  throw providerError(
    "The editor's model sent an empty answer. Try again, or choose another model.",
  );
}

/** The target with the base URL that is about to be asked, which must lead to the origin that was approved. */
function reached(target: ModelTarget) {
  const url = urlOf(target);
  if (url === null || new URL(url).origin !== target.origin)
    throw providerError(
      `The provider "${target.name}" leads to another server than the one that was approved, so nothing was sent. Approve again.`,
    );
  return { name: target.name, model: target.model, base_url: url, api_key: target.api_key };
}

function urlOf(target: ModelTarget): string | null {
  try {
    return baseUrl({ type: target.type, base_url: target.base_url ?? undefined });
  } catch (error) {
    if (GimoError.is(error, 'validation_error')) throw providerError(error.message);
    throw error;
  }
}
