import * as vscode from 'vscode';
import type { Draft } from '../../contract/operations.ts';
import type { Host } from '../../http/host.ts';
import type { Problems } from '../problems.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server.ts';
import { oneLine } from '../text.ts';
import { needsHost } from './needsHost.ts';

/** The longest prompt that the server takes here, in characters. */
const longest = 8000;
const review = 'Review';

/** Asks what should be done, and lets the active provider propose it. Rejects as the client does. */
export async function generateDraft(
  server: Server,
  reviews: Pick<ReviewPanels, 'open'>,
  problems: Pick<Problems, 'note'>,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const prompt = await vscode.window.showInputBox({
    title: 'Generate Draft',
    prompt: 'What should be proposed? Nothing runs until you approve the draft.',
    placeHolder: 'For example: explain how the tests are started',
    ignoreFocusOut: true,
    validateInput: problemOf,
  });
  if (prompt === undefined) return;
  const draft = await whileAsking(host, prompt, problems);
  if (draft === null) return;
  const told =
    draft.status === 'error'
      ? vscode.window.showErrorMessage(
          `The provider gave no proposal. ${oneLine(draft.error ?? 'It does not say why.', 500)}`,
          review,
        )
      : vscode.window.showInformationMessage(
          `A draft waits for you: ${oneLine(draft.prompt, 80)}`,
          review,
        );
  // What is asked here is not waited for: the command has done its work.
  void told.then((picked) => {
    if (picked === review) reviews.open({ kind: 'draft', id: draft.id });
  });
}

function problemOf(text: string): string | undefined {
  if (text.trim() === '') return 'Say in a few words what to propose.';
  return text.length > longest
    ? `That are ${text.length} characters; at most ${longest} can be sent.`
    : undefined;
}

/** @returns the draft, or null if the person no longer waits for it */
async function whileAsking(
  { client }: Host,
  prompt: string,
  problems: Pick<Problems, 'note'>,
): Promise<Draft | null> {
  const { active, providers } = await client.call('getProvider', {});
  const model = providers[active]?.model ?? '';
  const named = model === '' || model === active ? active : `${active} (${oneLine(model, 60)})`;
  const options: vscode.ProgressOptions = {
    location: vscode.ProgressLocation.Notification,
    title: `Asking ${named} for a proposal`,
    cancellable: true,
  };
  return vscode.window.withProgress(options, (_progress, token) => {
    const asked = client.call('generateDraft', { prompt });
    const gaveUp = new Promise<null>((resolve) => {
      token.onCancellationRequested(() => {
        resolve(null);
        asked.catch((error: unknown) => problems.note(error));
        vscode.window.setStatusBarMessage(
          `$(info) ${active} was asked already: if it answers, the draft appears in Drafts.`,
          8000,
        );
      });
    });
    return Promise.race([asked, gaveUp]);
  });
}
