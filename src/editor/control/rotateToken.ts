import * as vscode from 'vscode';
import { askYesNo, linesOf } from '../commands/askYesNo.ts';
import { needsHost } from '../commands/needsHost.ts';
import { givenName } from './node.ts';
import type { ControlParts } from './parts.ts';
import { tokenUses } from './words.ts';

const copy = 'Copy Token';

/**
 * Gives a role a new token, after asking. Rejects as the client does.
 *
 * @param item a row of the view; without one a person picks
 */
export async function rotateToken(
  { server, problems, refresh }: ControlParts,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const given = givenName('token', item);
  const items = tokenUses.map(({ role, use }) => ({ label: role, detail: use, role }));
  const chosen =
    items.find(({ role }) => role === given) ??
    (await vscode.window.showQuickPick(items, {
      ...{ title: 'Rotate Token', placeHolder: 'Which role gets a new token?' },
    }));
  if (chosen === undefined) return;
  const { role } = chosen;
  const yes = await askYesNo({
    title: `Rotate the ${role} token`,
    question: 'The old token is refused from that moment on. Make a new one?',
    no: 'No, keep the token',
    yes: `Yes, make a new ${role} token`,
    about: [
      {
        heading: 'What then happens',
        lines: linesOf(
          `Every client that uses the ${role} token stops working.`,
          'It works again once you give it the new token.',
        ),
      },
    ],
  });
  if (!yes) return;
  const { token } = await host.client.call('rotateToken', { role });
  await refresh();
  // What is asked here is not waited for: the command has done its work.
  void vscode.window
    .showInformationMessage(`The ${role} token is new, and the old one is refused.`, copy)
    .then(async (picked) => {
      if (picked !== copy) return;
      await vscode.env.clipboard.writeText(token);
      vscode.window.setStatusBarMessage(`$(copy) Copied the ${role} token.`, 5000);
    })
    .then(undefined, problems.tell);
}
