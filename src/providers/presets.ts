import { GimoError } from '../contract/errors.ts';
import type { ProviderType } from '../contract/records.ts';

/*
 * The OpenAI-compatible addresses that the vendors publish: Anthropic in "OpenAI SDK compatibility", Google in
 * "OpenAI compatibility" of the Gemini API.
 */
const presets = {
  anthropic: 'https://api.anthropic.com/v1/',
  gemini: 'https://generativelanguage.googleapis.com/v1beta/openai/',
} as const;

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

/**
 * The base URL that a provider entry leads to: its own if it has one, else the vendor's.
 *
 * @returns null where nothing is sent over a network (`editor`, `offline`)
 * @throws GimoError `validation_error` if the URL is missing or cannot be used
 */
export function baseUrl(entry: {
  type: ProviderType;
  base_url?: string | undefined;
}): string | null {
  if (entry.type === 'editor' || entry.type === 'offline') return null;
  const found =
    entry.base_url ?? (entry.type === 'openai_compat' ? undefined : presets[entry.type]);
  const problem =
    found === undefined
      ? 'A provider of type openai_compat needs a base_url, such as http://localhost:11434/v1.'
      : baseUrlProblem(found);
  if (found !== undefined && problem === null) return found;
  const msg = problem ?? 'The base_url cannot be used.';
  throw new GimoError('validation_error', msg, {
    issues: [{ type: 'base_url', loc: ['body', 'base_url'], msg }],
  });
}
