/*
 * The OpenAI-compatible addresses that the vendors publish: Anthropic in "OpenAI SDK compatibility", Google in
 * "OpenAI compatibility" of the Gemini API.
 */
export const vendorBaseUrls = {
  anthropic: 'https://api.anthropic.com/v1/',
  gemini: 'https://generativelanguage.googleapis.com/v1beta/openai/',
} as const;

/**
 * The origin that a text names, without a slash at the end; null if it names something else, or more: only http and
 * https, a host and perhaps a port.
 */
export function originIn(text: string): string | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  return url !== null && isBareOrigin(url) ? url.origin : null;
}

const isBareOrigin = (url: URL) =>
  ['http:', 'https:'].includes(url.protocol) &&
  [url.origin, `${url.origin}/`].includes(url.href) &&
  url.hostname !== '';

/**
 * Says what is wrong with a base URL. Credentials do not belong into it (they would show wherever the address does),
 * and a query or a fragment cannot be followed by the path that is asked.
 *
 * @returns one sentence, without the URL itself, or null if it can be used
 */
export function baseUrlProblem(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) return 'The base_url must start with http:// or https://.';
  if (/[\s\p{Cc}\\]/u.test(text))
    return 'The base_url must hold no spaces, control characters or backslashes.';
  if (/^https?:\/\/[^/?#]*@/i.test(text))
    return 'The base_url must hold no user name or password. Set the key as api_key.';
  if (/[?#]/.test(text)) return 'The base_url must end before any "?" or "#".';
  return URL.canParse(text) ? null : 'The base_url is not an address that can be read.';
}
