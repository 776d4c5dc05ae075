import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { placeholder } from '../core/redaction.ts';
import type { Expiry, ModelTimings } from './watch.ts';

/** A provider that is asked over the network. */
export interface NetworkTarget {
  name: string;
  model: string;
  base_url: string;
  api_key: string | null;
}

/** An answer whose status is not one of success, with as much of its body as was read. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;

  constructor(status: number, headers: Headers, text: string) {
    super(`status ${status}`);
    this.name = 'HttpFailure';
    this.status = status;
    this.headers = headers;
    this.text = text;
  }
}

const longestQuote = 500;

/**
 * A provider's failure. It carries no cause on purpose: what the SDK or the vendor throws may hold the key, and a
 * cause ends up in logs.
 */
export const providerError = (message: string, retryAfter?: number): GimoError =>
  new GimoError('provider_error', message, retryAfter === undefined ? {} : { retryAfter });

/**
 * Refuses a key that no header can hold, before `Headers` quotes it in the error that it throws.
 * @throws GimoError `provider_error`
 */
export function requireSendableKey({ name, api_key }: NetworkTarget): void {
  if (api_key !== null && !/^[\x21-\x7e]+$/.test(api_key))
    throw providerError(
      `The API key of the provider "${name}" holds a character that cannot be sent, perhaps a line break. Set it again.`,
    );
}

/** Host and port of the server that is asked, with the port even where it is the usual one. */
export function hostOf(baseUrl: string): string {
  const { hostname, port, protocol } = new URL(baseUrl);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

/**
 * Makes a vendor's words fit to be shown: without the key, in one line, without control characters, at most 500
 * characters.
 */
export function quote(text: string, key: string | null): string {
  let clean = text;
  if (key !== null && key !== '')
    for (const form of new Set([key, encodeURIComponent(key)]))
      clean = clean.replaceAll(form, placeholder);
  clean = clean
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .toWellFormed();
  const letters = [...clean.slice(0, 2 * longestQuote + 1)];
  return letters.length > longestQuote ? `${letters.slice(0, longestQuote).join('')}…` : clean;
}

// OpenAI, Anthropic and most others; Ollama; FastAPI servers. Gemini sends the first of them in a list.
const Told = z.union([
  z
    .object({ error: z.object({ message: z.string(), code: z.unknown().optional() }) })
    .transform(({ error }) => ({ message: error.message, code: error.code })),
  z.object({ error: z.string() }).transform(({ error }) => ({ message: error, code: null })),
  z.object({ message: z.string() }).transform(({ message }) => ({ message, code: null })),
  z.object({ detail: z.string() }).transform(({ detail }) => ({ message: detail, code: null })),
]);
const VendorError = z.union([
  Told,
  z
    .tuple([Told])
    .rest(z.unknown())
    .transform(([first]) => first),
]);

/** What a vendor says in an error body: its message and its code, or null if it is none of the known shapes. */
export function vendorError(body: unknown): { message: string; code: unknown } | null {
  const found = VendorError.safeParse(body);
  return found.success ? found.data : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function words(failure: HttpFailure, target: NetworkTarget): string {
  const told = vendorError(parsed(failure.text))?.message ?? failure.text;
  if (/^\s*</.test(told)) return ' It answered with a web page instead of JSON.';
  const said = quote(told, target.api_key);
  return said === '' ? '' : ` It says: ${said}`;
}

/**
 * Reads a Retry-After header (RFC 9110, section 10.2.3): seconds or an HTTP date.
 *
 * @returns milliseconds from now, 0 for the past, null if there is none that can be read
 */
function retryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  if (/^\s*\d{1,9}(\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/**
 * How long to wait before the request is sent again. Only 429 and 5xx say that another try makes sense; a server that
 * forbids it (`x-should-retry: false`, an exhausted quota) or asks for more patience than we have is not asked again.
 *
 * @param attempt 1 for the first
 * @returns milliseconds, or null if it must not be sent again
 */
export function retryPause(
  failure: HttpFailure,
  attempt: number,
  timings: Pick<ModelTimings, 'backoffMs' | 'longestWaitMs'>,
): number | null {
  if (failure.status !== 429 && failure.status < 500) return null;
  if (failure.headers.get('x-should-retry') === 'false') return null;
  if (vendorError(parsed(failure.text))?.code === 'insufficient_quota') return null;
  const asked = retryAfterMs(failure.headers.get('retry-after'));
  const pause = asked ?? timings.backoffMs * 2 ** (attempt - 1);
  return pause > timings.longestWaitMs ? null : pause;
}

/** The error for an answer with a status that is not one of success. */
export function statusError(failure: HttpFailure, target: NetworkTarget): GimoError {
  const { status } = failure;
  const who = `The provider "${target.name}"`;
  if (status === 401 || status === 403) {
    // Of a 401 the vendor's words are left out: they quote parts of the key.
    const told = status === 403 ? words(failure, target) : '';
    return target.api_key === null
      ? providerError(`${who} wants an API key (${status}). Set one for it.${told}`)
      : providerError(`${who} refused the API key (${status}). Set one that is valid.${told}`);
  }
  if (status === 404)
    return providerError(
      `${who} at ${hostOf(target.base_url)} knows no model "${target.model}", or its address is not right (404). ` +
        `Check model and base_url.${words(failure, target)}`,
    );
  const asked = retryAfterMs(failure.headers.get('retry-after'));
  const seconds = asked === null ? undefined : Math.ceil(asked / 1000);
  const when = seconds === undefined ? 'Try again later.' : `Try again in ${seconds} s.`;
  if (status === 429)
    return providerError(
      `${who} takes no more requests for now (429). ${when}${words(failure, target)}`,
      seconds,
    );
  if (status >= 500)
    return providerError(`${who} failed (${status}). ${when}${words(failure, target)}`, seconds);
  return providerError(`${who} refused the request (${status}).${words(failure, target)}`);
}

/** The error for a request that nobody answered. `error` is what `fetch` threw. */
export function connectError(error: unknown, target: NetworkTarget): GimoError {
  const code = codeOf(error);
  const host = hostOf(target.base_url);
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE')
    return providerError(
      `${host} closed the connection without an answer (${code}). Look at the log of that server.`,
    );
  const why = code === null ? '' : ` (${code})`;
  return providerError(
    `Cannot connect to ${host}${why}. Start the model server, or correct the base_url of the provider "${target.name}".`,
  );
}

/** The code of a network error, which Node hangs somewhere along the causes. */
function codeOf(error: unknown): string | null {
  let at = error;
  for (let depth = 0; depth < 5 && at instanceof Error; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && /^[A-Z0-9_]{1,60}$/.test(at.code))
      return at.code;
    at = at.cause;
  }
  return null;
}

/** The error for a provider that let us wait too long. */
export function expiryError(
  expiry: Expiry,
  target: NetworkTarget,
  timings: Pick<ModelTimings, 'firstByteMs' | 'idleMs'>,
): GimoError {
  const who = `The provider "${target.name}" (${hostOf(target.base_url)})`;
  return expiry === 'first byte'
    ? providerError(
        `${who} did not begin to answer within ${timings.firstByteMs / 1000} s. Check that it is up, then try again.`,
      )
    : providerError(
        `${who} fell silent for ${timings.idleMs / 1000} s in the middle of its answer. Try again.`,
      );
}
