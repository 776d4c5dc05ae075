import * as vscode from 'vscode';
import { askYesNo, linesOf } from '../commands/askYesNo.ts';
import { needsHost } from '../commands/needsHost.ts';
import { Refusal, toldMs } from '../messages.ts';
import { counted, oneLine } from '../text.ts';
import type { ControlParts } from './parts.ts';
import { eventLine } from './rows.ts';
import { actorWords, lockWords } from './words.ts';

/** As many as the wire takes. */
const longestReason = 1000;

/**
 * Pulls the brake, after asking for a reason that may stay empty. It stops and breaks nothing that cannot be resolved,
 * so it asks no second time. Rejects as the client does.
 */
export async function lockDown({ server }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { level } = await host.client.call('getSecurityEvents', {});
  if (level === 'all')
    throw new Refusal('It is locked down already. "GIMO: Resolve Lockdown" ends that.');
  const reason = await vscode.window.showInputBox({
    title: 'Lock Down',
    prompt:
      'Enter locks down: running work stops before its next step, and nothing new starts until you resolve it. Why? It may stay empty.',
    placeHolder: 'For example: an agent does what it should not',
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.length > longestReason ? 'Say it in fewer words, please.' : undefined,
  });
  if (reason === undefined) return;
  await host.client.call('lockDown', { reason: reason.trim() === '' ? null : reason.trim() });
  vscode.window.setStatusBarMessage('$(lock) Locked down. Nothing new starts.', toldMs);
}

/** Ends a lockdown, after showing what led to it and what goes on then. Rejects as the client does. */
export async function resolveLockdown({ server }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const [{ level, events }, status] = await Promise.all([
    client.call('getSecurityEvents', {}),
    client.call('getStatus', {}),
  ]);
  if (level === 'open')
    throw new Refusal('Nothing is locked down, so there is nothing to resolve.');
  const now = Date.now();
  const since = events.slice(events.findLastIndex(({ type }) => type === 'cleared') + 1);
  const pending = status.runs.pending ?? 0;
  const goesOn =
    pending === 0 ? 'No run waits to start.' : `${counted(pending, 'run')} will start.`;
  const yes = await askYesNo({
    title: 'Resolve Lockdown',
    question: 'Did you find out what happened? Then it can end.',
    no: 'No, stay locked down',
    yes: 'Yes, end the lockdown',
    about: [
      { heading: 'Now', lines: linesOf(lockWords[level].long) },
      {
        heading: 'What happened, newest first',
        lines: since
          .reverse()
          .slice(0, 5)
          .flatMap((event) => [
            ...linesOf(`${eventLine(event, now)} (${actorWords(event.actor)})`),
            ...(event.reason === null ? [] : linesOf(oneLine(event.reason, 400))),
          ]),
      },
      { heading: 'Then', lines: linesOf(`${goesOn} Callers without a token are answered again.`) },
    ],
  });
  if (!yes) return;
  await client.call('resolveSecurity', { action: 'clear_panic' });
  vscode.window.setStatusBarMessage('$(unlock) The lockdown is over.', toldMs);
}
