import { originIn } from '../../contract/addresses.ts';
import { Refusal } from '../messages.ts';

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
