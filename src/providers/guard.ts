import { HttpFailure, type NetworkTarget, providerError } from './failures.ts';
import type { Watch } from './watch.ts';

const mostBytes = 32 * 1024 * 1024;
const mostErrorBytes = 256 * 1024;

/** The `fetch` that the SDK is given, and what it threw last. */
export interface Guard {
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  thrown(): unknown;
}

/** The headers that carry a key. */
export type KeyHeaders = (key: string) => Record<string, string>;

/** As chat completions take it, at the vendors' OpenAI-compatible addresses too. */
export const bearerKey: KeyHeaders = (key) => ({ authorization: `Bearer ${key}` });

/** As Anthropic's list of models takes it: that is of its own API, where a bearer is something else. */
export const anthropicKey: KeyHeaders = (key) => ({
  'x-api-key': key,
  'anthropic-version': '2023-06-01',
});

/**
 * Makes the only way in which a provider is reached. The SDK builds the request and reads the stream; what is sent
 * where is decided here, because the SDK also obeys the environment (`OPENAI_CUSTOM_HEADERS` may add any header and
 * replace the authorization), and because `fetch` would follow a redirect. So: one origin, no redirect, three headers
 * of ours, and the key, which the SDK never gets to see. Answers that are not 2xx are read here too, up to 256 KiB,
 * since the SDK loses the message of those that are a list (Gemini's).
 */
export function createGuard(
  target: NetworkTarget,
  watch: Watch,
  keyHeaders: KeyHeaders = bearerKey,
): Guard {
  let thrown: unknown = null;
  return {
    thrown: () => thrown,
    async fetch(input, init) {
      try {
        const url = input instanceof Request ? input.url : input;
        const key = target.api_key === null ? {} : keyHeaders(target.api_key);
        return await send(url, { ...init, headers: key }, target, watch);
      } catch (error) {
        // The SDK wraps what is thrown here, and drops it where the text looks like a time-out.
        thrown = error;
        throw error;
      }
    },
  };
}

async function send(
  url: string | URL,
  init: RequestInit,
  target: NetworkTarget,
  watch: Watch,
): Promise<Response> {
  if (new URL(url).origin !== new URL(target.base_url).origin)
    throw providerError('A request was about to leave for another server, and was not sent.');
  const headers = new Headers(init.headers);
  headers.set('accept', 'text/event-stream, application/json');
  headers.set('content-type', 'application/json');
  headers.set('user-agent', 'gimo');
  // 'manual' follows as little as 'error' does, and lets us say what happened.
  const response = await fetch(url, { ...init, headers, redirect: 'manual' });
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel();
    throw providerError(
      `The provider "${target.name}" wants to redirect to another address (${response.status}), which is not followed ` +
        'because the key belongs to this one alone. Set the final address as base_url.',
    );
  }
  if (!response.ok)
    throw new HttpFailure(response.status, response.headers, await start(response, watch));
  if (/^\s*text\/html/i.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel();
    throw providerError(
      `The provider "${target.name}" answered with a web page instead of JSON. Is its base_url complete, with /v1?`,
    );
  }
  return watched(response, target, watch);
}

/** The start of a body, as text. */
async function start(response: Response, watch: Watch): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    watch.touch();
    size += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (size > mostErrorBytes) break;
  }
  return text;
}

/** The same response, whose bytes are noticed by the watch and counted. */
function watched(response: Response, target: NetworkTarget, watch: Watch): Response {
  if (response.body === null) return response;
  let size = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      watch.touch();
      size += chunk.byteLength;
      if (size > mostBytes)
        controller.error(
          providerError(`The provider "${target.name}" sent more than 32 MiB. Ask for less.`),
        );
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counted), {
    status: response.status,
    headers: response.headers,
  });
}
