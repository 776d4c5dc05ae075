import * as vscode from 'vscode';
import { unchangedSince } from '../../client/unchanged.ts';
import { baseUrlProblem } from '../../contract/addresses.ts';
import type { ProviderConfig, ProviderEntry } from '../../contract/records.ts';
import { commandIds, contextKeys } from '../ids.ts';
import type { LanguageModels } from '../models/languageModel.ts';
import {
  type EditorChoice,
  editorChoices,
  freeName,
  nameProblem,
  originOf,
  type Preset,
  presets,
  withProvider,
} from '../models/providerChoices.ts';
import type { Server } from '../server/server.ts';
import { withoutIcons } from '../text.ts';
import { askForKey } from './askForKey.ts';
import { needsHost } from './needsHost.ts';

const check = 'Check Provider';

type Choice = vscode.QuickPickItem & {
  configured?: string;
  preset?: Preset;
  editors?: EditorChoice;
};
interface Named {
  name: string;
  /** Null: it is set up already. */
  entry: ProviderEntry | null;
}

/** Makes a provider the active one: one that is set up, or a new one. Rejects as the client does. */
export async function chooseProvider(
  server: Server,
  models: Pick<LanguageModels, 'offered'>,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const config = await client.call('getProvider', {});
  const choices = models.offered().then((offered) => {
    return choicesOf(config, editorChoices(offered, config));
  });
  const picked = await vscode.window.showQuickPick(choices, {
    title: 'Choose Provider',
    placeHolder: 'Who is asked when a draft is generated, and when a prompt runs?',
    matchOnDescription: true,
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  if (picked === undefined) return;
  const chosen = await namedBy(picked, config);
  if (chosen === null) return;
  const { name, entry } = chosen;
  // What was read is from before the questions.
  const seen = await client.answer('getProvider', {});
  const now = seen.body;
  await client.call(
    'setProvider',
    entry === null ? { ...now, active: name } : withProvider(now, name, entry, name),
    unchangedSince(seen),
  );
  // Not when the command is given: what the walkthrough ticks off takes the focus, and with it closes a list.
  void vscode.commands.executeCommand('setContext', contextKeys.model, 'chosen');
  const [waiting] = await client.call('listDrafts', {
    ...{ view: 'summary', limit: 1, status: ['draft'] },
  });
  const note =
    waiting === undefined || name === now.active
      ? ''
      : ' Drafts that wait would now ask it, so read them again before you approve one.';
  // What is asked here is not waited for: the command has done its work.
  const told = vscode.window.showInformationMessage(`The provider is now ${name}.${note}`, check);
  void told.then((answer) => {
    if (answer === check) void vscode.commands.executeCommand(commandIds.checkProvider);
  });
}

/** What was picked, with what it lacks asked for. @returns null if the person gave up */
async function namedBy(picked: Choice, config: ProviderConfig): Promise<Named | null> {
  const { preset, editors, configured } = picked;
  if (preset !== undefined) return setUp(preset, config);
  return editors ?? { name: configured ?? config.active, entry: null };
}

function choicesOf(config: ProviderConfig, editors: readonly EditorChoice[]): Choice[] {
  const { Separator } = vscode.QuickPickItemKind;
  const configured = Object.entries(config.providers).map(([name, entry]): Choice => {
    const active = name === config.active;
    return {
      label: `${active ? '$(check)' : '$(circle-large-outline)'} ${name}`,
      description: [entry.model, ...(active ? ['active'] : [])].join(' · '),
      detail: originOf(entry) ?? detailWithoutOrigin(entry),
      configured: name,
    };
  });
  // One that is set up under the name of a preset stands above, with what it was set up with.
  const fresh = presets.filter(({ name }) => name === null || !(name in config.providers));
  return [
    { label: 'Set up', kind: Separator },
    ...configured,
    { label: 'New', kind: Separator },
    ...editors.map((choice): Choice => {
      const label = `$(add) ${withoutIcons(choice.title)}`;
      return { label, detail: choice.detail, editors: choice };
    }),
    ...fresh.map((preset): Choice => {
      return { label: `$(add) ${preset.title}`, detail: preset.detail, preset };
    }),
  ];
}

const detailWithoutOrigin = ({ type }: ProviderEntry) =>
  type === 'editor' ? 'The editor asks it, wherever it is.' : 'Nothing is sent over a network.';

/** Asks for what a preset lacks. @returns null if the person gave up */
async function setUp(preset: Preset, config: ProviderConfig): Promise<Named | null> {
  const { title, type } = preset;
  let { base_url } = preset;
  if (base_url === null) {
    base_url = await ask(title, {
      prompt: 'The address that ends before /chat/completions',
      placeHolder: 'https://models.example.com/v1',
      validateInput: (text) => baseUrlProblem(text.trim())?.replace('base_url', 'address'),
    });
    if (base_url === undefined) return null;
  }
  const name = preset.name ?? (await askName(title, freeName(config, base_url ?? '')));
  if (name === undefined) return null;
  const model = preset.model === null ? name : await askModel(title, preset.model);
  if (model === undefined) return null;
  const entry: ProviderEntry = { type, model, ...(base_url === undefined ? {} : { base_url }) };
  const origin = originOf(entry);
  if (preset.key === 'none' || origin === null) return { name, entry };
  const key = await askForKey(`Key of ${name}`, origin, preset.key === 'maybe');
  if (key === undefined) return null;
  return { name, entry: key === '' ? entry : { ...entry, api_key: key } };
}

function askName(title: string, value: string): Promise<string | undefined> {
  return ask(title, {
    prompt: 'What should it be called here?',
    value,
    validateInput: (text) => nameProblem(text.trim()),
  });
}

function askModel(
  title: string,
  { value, example }: NonNullable<Preset['model']>,
): Promise<string | undefined> {
  return ask(title, {
    prompt: 'Which model?',
    placeHolder: `For example ${example}`,
    value,
    validateInput: (text) =>
      text.trim() === '' ? 'Name the model as its provider does.' : undefined,
  });
}

async function ask(title: string, options: vscode.InputBoxOptions): Promise<string | undefined> {
  const answer = await vscode.window.showInputBox({ title, ignoreFocusOut: true, ...options });
  return answer?.trim();
}
