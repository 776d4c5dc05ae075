import { originIn } from '../../contract/addresses.ts';
import { Refusal } from '../messages.ts';

/**
 * Reads the setting `gimo.corsOrigins`.
 *
 * @returns the origins; none if nothing is set. Throws a `Refusal` if it is something else
 */
export function corsOriginsOf(setting: unknown): string[] {
  if (setting === undefined || setting === null) return [];
  const given: unknown[] = Array.isArray(setting) ? setting : [setting];
  return given.map((one) => {
    const origin = typeof one === 'string' ? originIn(one) : null;
    if (origin !== null) return origin;
    throw new Refusal(
      'The setting gimo.corsOrigins has to be a list of addresses such as https://app.example.com: http or https and a host, without a path. All pages at once (*) cannot be allowed. Mend it, or leave it empty.',
    );
  });
}
