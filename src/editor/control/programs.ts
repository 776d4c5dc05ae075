import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import { unchangedSince } from '../../client/unchanged.ts';
import type { Config } from '../../contract/records.ts';
import { answered } from '../answered.ts';
import { askYesNo, linesOf } from '../commands/askYesNo.ts';
import { Refusal, toldMs } from '../messages.ts';
import { oneLine, visible, withoutIcons } from '../text.ts';
import { argumentsIn } from './configFields.ts';
import { programWords } from './words.ts';

type Program = Config['command_allowlist'][number];

const title = 'Programs that Command Steps May Run';

/** Shows the list of programs, and adds or takes out what a person picks. Rejects as the client does. */
export async function editPrograms(client: Client): Promise<void> {
  const { command_allowlist: programs } = await client.call('getConfig', {});
  const items: (vscode.QuickPickItem & { program?: Program })[] = [
    { label: '$(add) Allow a Program…', detail: 'Command steps may run it once approved.' },
    ...programs.map((program) => ({
      label: `$(terminal) ${withoutIcons(oneLine(programWords(program), 200))}`,
      detail: 'Pick it to take it out.',
      program,
    })),
  ];
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title, placeHolder: 'Which programs may approved commands run?' },
  });
  if (picked === undefined) return;
  if (picked.program === undefined) return allowProgram(client);
  await takeOut(client, picked.program);
}

async function takeOut(client: Client, program: Program): Promise<void> {
  const yes = await askYesNo({
    title: 'Take a Program out',
    question: 'Steps that run it are refused from then on. Take it out?',
    no: 'No, leave it allowed',
    yes: 'Yes, take it out',
    about: [{ heading: 'Program', lines: linesOf(programWords(program)) }],
  });
  if (!yes) return;
  const name = programWords(program);
  await change(client, (now) => now.filter((one) => programWords(one) !== name));
  vscode.window.setStatusBarMessage('$(check) Command steps may no longer run it.', toldMs);
}

async function allowProgram(client: Client): Promise<void> {
  const found = await whichProgram();
  if (found === null) return;
  const args_prefix = await whichArguments(path.basename(found.real));
  if (args_prefix === null) return;
  const program = { program: found.real, args_prefix };
  const yes = await askYesNo({
    title: 'Allow a Program',
    question: 'A command step that names it runs with your rights once approved. Allow it?',
    no: 'No, do not allow it',
    yes: 'Yes, allow it',
    about: [
      { heading: 'Program', lines: linesOf(visible(found.real)) },
      ...(found.real === found.given
        ? []
        : [{ heading: 'Found by the name', lines: linesOf(visible(found.given)) }]),
      {
        heading: 'Arguments',
        lines: linesOf(args_prefix.length === 0 ? 'Any' : programWords(program)),
      },
    ],
  });
  if (!yes) return;
  await change(client, (now) => [...now, program]);
  vscode.window.setStatusBarMessage(
    `$(check) Command steps may run ${oneLine(path.basename(found.real), 60)}.`,
    toldMs,
  );
}

/** The list is read again right before it is written: what was read first is from before the questions. */
async function change(client: Client, edit: (now: Program[]) => Program[]): Promise<void> {
  const now = await client.answer('getConfig', {});
  const command_allowlist = edit(now.body.command_allowlist);
  answered(await client.call('setConfig', { command_allowlist }, unchangedSince(now)));
}

/** @returns the program as it was named and its real path, or null if the person gave up */
async function whichProgram(): Promise<{ given: string; real: string } | null> {
  const byName = {
    label: '$(edit) Type Its Name or Path…',
    detail: 'For example npm or /usr/bin/make',
  };
  const byFile = { label: '$(folder-opened) Choose Its File…' };
  const picked = await vscode.window.showQuickPick([byName, byFile], {
    ...{ title: 'Allow a Program', placeHolder: 'Which program?' },
  });
  if (picked === undefined) return null;
  const given = picked === byFile ? await chooseFile() : await typeName();
  if (given === undefined) return null;
  const real = await realProgram(given);
  if (real === null)
    throw new Refusal(
      `There is no program "${oneLine(given, 80)}" that can be run here. Check its name, or choose its file.`,
    );
  return { given, real };
}

const typeName = async () =>
  (
    await vscode.window.showInputBox({
      title: 'Allow a Program',
      prompt: 'The name of a program that a terminal would find, or its whole path.',
      placeHolder: 'npm',
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === '' ? 'Name the program.' : undefined),
    })
  )?.trim();

async function chooseFile(): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    ...{ canSelectFiles: true, canSelectFolders: false, canSelectMany: false },
    ...{ title: 'Allow a Program', openLabel: 'Choose' },
  });
  return picked?.[0]?.fsPath;
}

/** The arguments that have to come first; null if the person gave up. */
async function whichArguments(name: string): Promise<string[] | null> {
  const some = {
    label: '$(list-filter) Only With Arguments that Begin…',
    detail: `For example: ${name} run test`,
  };
  const any = { label: '$(ellipsis) With Any Arguments', detail: 'Whatever it can do, it may do.' };
  const picked = await vscode.window.showQuickPick([some, any], {
    ...{ title: 'Allow a Program', placeHolder: `How may ${oneLine(name, 60)} be run?` },
  });
  if (picked === undefined) return null;
  if (picked === any) return [];
  const text = await vscode.window.showInputBox({
    title: 'Allow a Program',
    prompt: 'The arguments that have to come first. What holds spaces goes between double quotes.',
    placeHolder: 'run test',
    ignoreFocusOut: true,
    validateInput: (given) =>
      argumentsIn(given).length === 0 ? 'Name at least one argument.' : undefined,
  });
  return text === undefined ? null : argumentsIn(text);
}

/** @returns the real path of a program, as a terminal finds it, or null */
async function realProgram(given: string): Promise<string | null> {
  if (path.isAbsolute(given)) return executable(given);
  if (given !== path.basename(given)) return null;
  const folders = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((one) => path.isAbsolute(one));
  const names =
    process.platform === 'win32'
      ? [given, ...(process.env.PATHEXT ?? '.COM;.EXE').split(';').map((end) => given + end)]
      : [given];
  for (const folder of folders)
    for (const name of names) {
      const found = await executable(path.join(folder, name));
      if (found !== null) return found;
    }
  return null;
}

async function executable(file: string): Promise<string | null> {
  try {
    const real = await realpath(file);
    if (!(await stat(real)).isFile()) return null;
    await access(real, constants.X_OK);
    return real;
  } catch (error) {
    // Nothing is there, or it may not be run: either way it is not the program that is meant.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
