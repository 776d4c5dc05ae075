import { baseUrlProblem, vendorBaseUrls } from '../contract/addresses.ts';
import { validationError } from '../contract/errors.ts';
import type { ProviderType } from '../contract/records.ts';

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
    entry.base_url ?? (entry.type === 'openai_compat' ? undefined : vendorBaseUrls[entry.type]);
  const problem =
    found === undefined
      ? 'A provider of type openai_compat needs a base_url, such as http://localhost:11434/v1.'
      : baseUrlProblem(found);
  if (found !== undefined && problem === null) return found;
  const msg = problem ?? 'The base_url cannot be used.';
  throw validationError(['body', 'base_url'], msg, 'base_url');
}
