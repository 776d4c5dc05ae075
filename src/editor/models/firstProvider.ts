import type { ProviderConfig } from '../../contract/records.ts';
import type { LanguageModels } from './languageModel.ts';
import { editorChoices } from './providerChoices.ts';

/**
 * What is set up in a folder that is served for the first time: the editor's own model.
 *
 * @returns undefined where the editor has none
 */
export async function firstProviderOf(
  models: Pick<LanguageModels, 'offered'>,
): Promise<ProviderConfig | undefined> {
  const nothing: ProviderConfig = { active: '', providers: {} };
  const [choice] = editorChoices(await models.offered(), nothing);
  return choice && { active: choice.name, providers: { [choice.name]: choice.entry } };
}
