import { GimoError } from '../contract/errors.ts';
import type { Config } from '../contract/records.ts';
import { canonical } from './digest.ts';
import type { Call } from './handlers.ts';

/** Whether two configurations differ in who may approve or in which programs may run. */
export const policyDiffers = (one: Config, other: Config): boolean =>
  canonical([one.approval_channel, one.command_allowlist]) !==
  canonical([other.approval_channel, other.command_allowlist]);

/**
 * Who may approve and which programs may run is decided where the server is hosted (DESIGN, section 4).
 * @throws GimoError `editor_required` if an editor hosts the server and somebody else calls
 */
export function requireEditor(call: Call, hostedBy: 'editor' | 'headless'): void {
  if (hostedBy !== 'editor' || call.principal.role === 'editor') return;
  throw new GimoError(
    'editor_required',
    'This changes who may approve or which programs may run, so it is done in the editor that hosts the server.',
  );
}
