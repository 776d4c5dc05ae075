import type { Served } from '../../http/served.ts';
import type { LanguageModels } from '../models/languageModel.ts';

/**
 * Where the active provider is the editor's own model, lets the editor ask the person whether GIMO may use it, before
 * anything is asked of it. Rejects with a `Refusal` if it may not.
 */
export async function needsConsent(
  { client }: Pick<Served, 'client'>,
  models: Pick<LanguageModels, 'askConsent'>,
): Promise<void> {
  const { active, providers } = await client.call('getProvider', {});
  const entry = providers[active];
  if (entry?.type === 'editor') await models.askConsent(entry.model);
}
