import * as vscode from 'vscode';
import { askYesNo, linesOf } from '../commands/askYesNo.ts';
import { needsHost } from '../commands/needsHost.ts';
import { Refusal, toldMs } from '../messages.ts';
import type { ControlParts } from './parts.ts';

/** Gives the command line the operator token, or takes it back, after asking. Rejects as the server does. */
export async function allowCommandLine({ server, refresh }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { commandLine } = host;
  if (commandLine === null)
    throw new Refusal(
      'This window only looks at a server that another one hosts. Allow the command line there.',
    );
  if (await commandLine.allowed()) {
    if (!(await revokes())) return;
    await commandLine.revoke();
    vscode.window.setStatusBarMessage('$(terminal) The command line has no token now.', toldMs);
  } else {
    if (!(await allows())) return;
    await commandLine.allow();
    vscode.window.setStatusBarMessage('$(terminal) "gimo" works in a terminal now.', toldMs);
  }
  await refresh();
}

const allows = (): Promise<boolean> =>
  askYesNo({
    title: 'Allow Command Line',
    question: 'Give the "gimo" command the operator token, until you revoke it?',
    no: 'No, leave it without a token',
    yes: 'Yes, allow the command line',
    about: [
      {
        heading: 'What it may do then',
        lines: linesOf(
          'Read, run what is approved, cancel, pause, and lock down.',
          'Approve drafts that only ask a model, as the configuration says.',
        ),
      },
      {
        heading: 'Who else may',
        lines: linesOf(
          'Every program of your user: the token lies in a file that only you can read.',
        ),
      },
    ],
  });

const revokes = (): Promise<boolean> =>
  askYesNo({
    title: 'Allow Command Line',
    question: 'The command line is allowed. Take the token back?',
    no: 'No, leave it allowed',
    yes: 'Yes, revoke it',
    about: [
      {
        heading: 'What then happens',
        lines: linesOf(
          'The "gimo" command has no token any more.',
          'Who copied the token can still use it. Rotate the operator token to end that.',
        ),
      },
    ],
  });
