import { GimoError } from '../contract/errors.ts';
import type { ModelAnswer, ModelRequest, Models, ModelTarget, RepoFacts } from '../core/ports.ts';
import { providerError } from './failures.ts';
import { answerOffline } from './offline.ts';
import { askOpenAi } from './openai.ts';
import { baseUrl } from './presets.ts';
import { defaultTimings, type ModelTimings } from './watch.ts';

export interface ModelsDeps {
  /** What the offline provider answers from. */
  facts: RepoFacts;
  /** Asks the editor's own model; left out where there is no editor. Throws as {@link Models.ask} does. */
  editor?: (request: ModelRequest, target: ModelTarget) => Promise<ModelAnswer>;
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
      if (target.type !== 'editor') return askOpenAi(reached(target), request, timings);
      if (deps.editor === undefined)
        throw providerError(
          `The provider "${target.name}" is the editor's own model, and this server runs without an editor. Choose another provider.`,
        );
      return deps.editor(request, target);
    },
  };
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
