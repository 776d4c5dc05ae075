import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { ProviderType } from '../contract/records.ts';
import {
  connectError,
  expiryError,
  HttpFailure,
  hostOf,
  type NetworkTarget,
  providerError,
  quote,
  requireSendableKey,
  statusError,
} from './failures.ts';
import { anthropicKey, bearerKey, createGuard } from './guard.ts';
import { createWatch, type ModelTimings } from './watch.ts';

/** A provider that is looked at over the network. */
export interface CheckTarget extends NetworkTarget {
  type: ProviderType;
}

interface Look {
  target: CheckTarget;
  signal: AbortSignal;
  timings: Pick<ModelTimings, 'firstByteMs' | 'idleMs'>;
}

const Model = z.object({ id: z.string() });
/** OpenAI's list, in which Ollama has null where it has no model; some servers send the bare list. */
const ModelList = z.union([
  z.object({ data: z.array(Model).nullable() }).transform(({ data }) => data ?? []),
  z.array(Model),
]);

/** How many of a server's models are named where the one that was looked for is not among them. */
const mostNamed = 5;

/**
 * Asks a server for its list of models, which costs nothing, and looks for the configured one in it.
 *
 * @returns a sentence or two: that it answers, and whether it has the model
 * @throws GimoError `provider_error` where no list came, without the key; the signal's reason when aborted
 */
export async function checkServer(
  target: CheckTarget,
  signal: AbortSignal,
  timings: Look['timings'],
): Promise<string> {
  signal.throwIfAborted();
  requireSendableKey(target);
  const look = { target, signal, timings };
  const who = `"${target.name}" at ${hostOf(target.base_url)} answers`;
  const listed = await get(look, 'models');
  if (listed instanceof HttpFailure) {
    const { status } = listed;
    if (status !== 404 && status !== 405) throw statusError(listed, target);
    return `${who}, but does not list its models (${status}), so "${target.model}" was not looked for. If nothing can be generated, check its base_url.`;
  }
  const models = ModelList.safeParse(listed);
  if (!models.success)
    throw providerError(
      `${who}, but not with a list of models. Check that its base_url leads to an OpenAI-compatible API.`,
    );
  const names = models.data.map(({ id }) => bare(id));
  if (names.includes(bare(target.model)) || (await hasAlias(look)))
    return `${who}, and has ${target.model}.`;
  return `${who}, but does not list the model "${target.model}". Check its name.${others(names, target)}`;
}

/** Gemini lists `models/gemini-…`, and takes the name with and without. */
const bare = (id: string) => id.replace(/^models\//, '');

/** A name that is in no list may still be known: Anthropic lists dated names, Ollama names with a tag. */
async function hasAlias(look: Look): Promise<boolean> {
  try {
    const found = await get(look, `models/${encodeURIComponent(look.target.model)}`);
    return Model.safeParse(found).success;
  } catch (error) {
    // It has answered already; that it does not answer this says only that it knows no such name.
    if (GimoError.is(error, 'provider_error')) return false;
    throw error;
  }
}

function others(names: readonly string[], { api_key }: CheckTarget): string {
  if (names.length === 0) return ' It lists none.';
  const named = names.slice(0, mostNamed).map((name) => quote(name, api_key).slice(0, 80));
  const more = names.length - named.length;
  return ` It lists ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** What a server answers to a GET, parsed; a failure if its status is not one of success. */
async function get({ target, signal, timings }: Look, path: string): Promise<unknown> {
  const watch = createWatch(signal, timings);
  const keyHeaders = target.type === 'anthropic' ? anthropicKey : bearerKey;
  const guard = createGuard(target, watch, keyHeaders);
  try {
    const url = `${target.base_url.replace(/\/+$/, '')}/${path}`;
    const response = await guard.fetch(url, { signal: watch.signal });
    const body: unknown = await response.json();
    return body;
  } catch (error) {
    signal.throwIfAborted();
    const expiry = watch.expired();
    if (expiry !== null) throw expiryError(expiry, target, timings);
    if (error instanceof HttpFailure) return error;
    if (GimoError.is(error)) throw error;
    if (error instanceof SyntaxError)
      throw providerError(
        `The provider "${target.name}" sent something that is not JSON. Check its base_url.`,
      );
    throw connectError(error, target);
  } finally {
    watch.end();
  }
}
