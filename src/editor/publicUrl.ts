import { Refusal } from './messages.ts';

/**
 * Reads the setting `gimo.publicUrl`.
 *
 * @returns the origin, without a slash at the end; null if nothing is set. Throws a `Refusal` if it is something else
 */
export function publicUrlOf(setting: unknown): string | null {
  if (setting === undefined || setting === null) return null;
  const text = typeof setting === 'string' ? setting.trim() : null;
  if (text === '') return null;
  const origin = text === null ? null : originIn(text);
  if (origin === null)
    throw new Refusal(
      'The setting gimo.publicUrl has to be an address such as https://gimo.example.com: http or https and a host, without a path. Mend it, or leave it empty.',
    );
  return origin;
}

/** The origin that a text names, without a slash at the end; null if it names something else, or more. */
export function originIn(text: string): string | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  return url !== null && isBareOrigin(url) ? url.origin : null;
}

const isBareOrigin = (url: URL) =>
  ['http:', 'https:'].includes(url.protocol) &&
  [url.origin, `${url.origin}/`].includes(url.href) &&
  url.hostname !== '';
