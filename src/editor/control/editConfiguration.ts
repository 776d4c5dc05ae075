import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import { unchangedSince } from '../../client/unchanged.ts';
import type { Config } from '../../contract/records.ts';
import { answered } from '../answered.ts';
import { needsHost } from '../commands/needsHost.ts';
import { toldMs } from '../messages.ts';
import { type Field, fields, numberProblem, valueWords } from './configFields.ts';
import { type ControlNode, givenName } from './node.ts';
import type { ControlParts } from './parts.ts';
import { editPrograms } from './programs.ts';
import { channelWords } from './words.ts';

const title = 'Edit Configuration';

/**
 * Shows the configuration as a list, and changes what a person picks from it, one field at a time: what they answer is put
 * in force at once, and nothing else. Rejects as the client does.
 *
 * @param item a row of the view: then its field is asked for directly
 */
export async function editConfiguration({ server }: ControlParts, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const given = fieldOf(item);
  if (given !== undefined) return edit(client, given);
  const config = await client.call('getConfig', {});
  const items = fields.map((field) => ({
    label: field.title,
    description: valueWords(field, config),
    detail: field.detail,
    field,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title, placeHolder: 'What do you want to change?', matchOnDetail: true },
  });
  if (picked !== undefined) await edit(client, picked.field);
}

const kinds: readonly ControlNode['kind'][] = ['approvals', 'programs'];

function fieldOf(item: unknown): Field | undefined {
  const names = kinds.flatMap((kind) => givenName(kind, item) ?? []);
  return fields.find(({ name }) => names.includes(name));
}

async function edit(client: Client, field: Field): Promise<void> {
  if (field.kind === 'programs') return editPrograms(client);
  const seen = await client.answer('getConfig', {});
  const patch = await asked(field, seen.body);
  if (patch === undefined) return;
  const next = answered(await client.call('setConfig', patch, unchangedSince(seen)));
  vscode.window.setStatusBarMessage(`$(check) ${field.title}: ${valueWords(field, next)}`, toldMs);
}

/** @returns what to put, or undefined if the person gave up */
async function asked(
  field: Exclude<Field, { kind: 'programs' }>,
  config: Config,
): Promise<Partial<Config> | undefined> {
  switch (field.kind) {
    case 'yesNo': {
      const value = await pick(field, config[field.name], [
        { label: 'No', value: false },
        { label: 'Yes', value: true },
      ]);
      return value === undefined ? undefined : { [field.name]: value };
    }
    case 'channel': {
      const channels = (['auto', 'editor', 'any'] as const).map((value) => ({
        ...{ label: channelWords[value].short, detail: channelWords[value].long, value },
      }));
      const value = await pick(field, config.approval_channel, channels);
      return value === undefined ? undefined : { approval_channel: value };
    }
    case 'number': {
      const zero = field.zero === undefined ? '' : ` 0 means ${field.zero}.`;
      const text = await vscode.window.showInputBox({
        title: field.title,
        prompt: `In ${field.unit}s. ${field.detail}${zero}`,
        value: String(config[field.name]),
        ignoreFocusOut: true,
        validateInput: (given) => numberProblem(field, given),
      });
      return text === undefined ? undefined : { [field.name]: Number(text.trim()) };
    }
  }
}

async function pick<T>(
  field: Field,
  now: T,
  choices: readonly { label: string; detail?: string; value: T }[],
): Promise<T | undefined> {
  const items = choices.map((choice) => ({
    ...choice,
    description: choice.value === now ? 'now' : '',
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title: field.title, placeHolder: field.detail },
  });
  return picked === undefined || picked.value === now ? undefined : picked.value;
}
