import { GimoError } from '../contract/errors.ts';
import type { AnswerShape, ModelAnswer, ModelRequest } from '../core/work.ts';
import { createCollector } from './answer.ts';
import {
  connectError,
  expiryError,
  HttpFailure,
  type NetworkTarget,
  providerError,
  quote,
  requireSendableKey,
  retryPause,
  statusError,
  vendorError,
} from './failures.ts';
import { createGuard } from './guard.ts';
import { createWatch, type ModelTimings, type Watch } from './watch.ts';

type Sdk = typeof import('openai');

/** Retries after the first attempt. */
const mostRetries = 2;

/** What every part of one question needs to know. */
interface Question {
  sdk: Sdk;
  target: NetworkTarget;
  request: ModelRequest;
  timings: ModelTimings;
  /** The form that the answer is held to; undefined if the server knows none, or none was asked for. */
  shape: AnswerShape | undefined;
}

/**
 * Asks a server that speaks the OpenAI chat completions format, and streams its answer. What was passed on to
 * `onText` is never taken back: retries happen only on a status that is not one of success.
 * A server that refuses to hold the answer to a form is asked for text. That is not remembered: the next question may
 * reach another model behind the same address.
 *
 * @throws GimoError `provider_error` saying what happened, without the key; the signal's reason when aborted
 */
export async function askOpenAi(
  target: NetworkTarget,
  request: ModelRequest,
  timings: ModelTimings,
): Promise<ModelAnswer> {
  request.signal.throwIfAborted();
  requireSendableKey(target);
  // Loaded with the first question: the SDK is large, and start-up must be quick.
  const sdk = await import('openai');
  let { shape } = request;
  let attempt = 0;
  for (;;) {
    const outcome = await askOnce({ sdk, target, request, timings, shape });
    if (!(outcome instanceof HttpFailure))
      return request.shape === undefined ? outcome : { ...outcome, shaped: shape !== undefined };
    if (shape !== undefined && refusesShape(outcome)) {
      shape = undefined;
      continue;
    }
    attempt += 1;
    const pause = attempt > mostRetries ? null : retryPause(outcome, attempt, timings);
    if (pause === null) throw statusError(outcome, target);
    await timings.wait(pause, request.signal).catch((error: unknown) => {
      request.signal.throwIfAborted();
      throw error;
    });
  }
}

async function askOnce(question: Question): Promise<ModelAnswer | HttpFailure> {
  const watch = createWatch(question.request.signal, question.timings);
  try {
    const opened = await open(question, watch);
    return opened instanceof HttpFailure ? opened : await read(opened, question, watch);
  } finally {
    watch.end();
  }
}

type Opened = Exclude<Awaited<ReturnType<typeof open>>, HttpFailure>;

/** Sends the question. Resolves as soon as the status is known. */
async function open({ sdk, target, request, timings, shape }: Question, watch: Watch) {
  const guard = createGuard(target, watch);
  // Everything that the SDK would otherwise take from the environment is set here; the guard adds the real key.
  const client = new sdk.OpenAI({
    apiKey: 'added-later',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: target.base_url,
    maxRetries: 0,
    timeout: 2 ** 31 - 1,
    logLevel: 'off',
    fetch: guard.fetch,
  });
  try {
    return await client.chat.completions
      .create(
        {
          model: target.model,
          messages: [{ role: 'user', content: request.text }],
          stream: true,
          stream_options: { include_usage: true },
          ...(shape === undefined ? {} : { response_format: formatOf(shape) }),
        },
        { signal: watch.signal },
      )
      .withResponse();
  } catch (error) {
    request.signal.throwIfAborted();
    const expiry = watch.expired();
    if (expiry !== null) throw expiryError(expiry, target, timings);
    const thrown = guard.thrown();
    if (thrown instanceof HttpFailure) return thrown;
    if (GimoError.is(thrown)) throw thrown;
    if (thrown !== null) throw connectError(thrown, target);
    throw error;
  }
}

const formatOf = ({ name, schema }: AnswerShape) => ({
  type: 'json_schema' as const,
  json_schema: { name, schema: { ...schema }, strict: true },
});

/**
 * Whether a server refuses to hold its answer to a form. There is no code for it that vendors share, so their words
 * tell; a wrong guess costs one more request.
 */
function refusesShape({ status, text }: HttpFailure): boolean {
  if (status !== 400 && status !== 422) return false;
  return /response.?format|schema|structured.?output|\bstrict\b|grammar/i.test(text);
}

/** Reads the answer, and passes its text on while it arrives. */
async function read(opened: Opened, question: Question, watch: Watch): Promise<ModelAnswer> {
  const { target, request, timings } = question;
  const collector = createCollector(target);
  const pieces = piecesOf(opened);
  for (;;) {
    let next: IteratorResult<unknown>;
    try {
      next = await pieces.next();
    } catch (error) {
      request.signal.throwIfAborted();
      // An answer that said it is finished is whole, however the connection then ends.
      if (collector.finished()) break;
      throw readError(error, question, watch);
    }
    if (next.done === true) break;
    const text = collector.push(next.value);
    if (text !== '') request.onText?.(text);
  }
  // The SDK ends its iteration quietly when the request is aborted.
  request.signal.throwIfAborted();
  const expiry = watch.expired();
  if (expiry !== null && !collector.finished()) throw expiryError(expiry, target, timings);
  return collector.answer();
}

/** The pieces of a stream; of a server that does not stream, the whole answer as the one piece. */
async function* piecesOf({ data, response }: Opened): AsyncGenerator<unknown, undefined> {
  if (/^\s*application\/json/i.test(response.headers.get('content-type') ?? '')) {
    const whole: unknown = await response.json();
    yield whole;
  } else yield* data;
}

function readError(error: unknown, { sdk, target, timings }: Question, watch: Watch): GimoError {
  const expiry = watch.expired();
  if (expiry !== null) return expiryError(expiry, target, timings);
  if (GimoError.is(error)) return error;
  const who = `The provider "${target.name}"`;
  if (error instanceof sdk.APIError) {
    const told = vendorError({ error: error.error })?.message ?? error.message;
    return providerError(
      `${who} reported an error in the middle of its answer: ${quote(told, target.api_key)}`,
    );
  }
  if (error instanceof SyntaxError)
    return providerError(`${who} sent something that is not JSON. Check its base_url.`);
  return providerError(
    `The connection to the provider "${target.name}" was cut in the middle of its answer. Try again.`,
  );
}
