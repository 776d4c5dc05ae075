import * as vscode from 'vscode';
import type { Args, Draft } from '../../contract/operations.ts';
import type { Served } from '../../http/served.ts';
import type { LanguageModels } from '../models/languageModel.ts';
import type { Problems } from '../problems.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { oneLine } from '../text.ts';
import { needsConsent } from './needsConsent.ts';
import { needsHost } from './needsHost.ts';
import { givenId } from './pickRecord.ts';
import { providerWaysOut, takeWayOut } from './providerWaysOut.ts';

/** The longest prompt that the server takes here, in characters. */
export const longestPrompt = 8000;
const review = 'Review';

/** What was typed and could not be asked: it stands there when the command is given again. */
let unsent = '';

/**
 * Asks what should be done, and lets the active provider propose it. Rejects as the client does.
 *
 * @param item a draft whose prompt is to be asked once more, as `{kind, id}`
 */
export async function generateDraft(
  parts: {
    server: Server;
    reviews: Pick<ReviewPanels, 'open'>;
    problems: Pick<Problems, 'note'>;
    models: Pick<LanguageModels, 'askConsent'>;
  },
  item?: unknown,
): Promise<void> {
  const { server, reviews, problems, models } = parts;
  const host = await needsHost(server);
  if (host === null) return;
  await needsConsent(host, models);
  const again = givenId('draft', item);
  const before = again === null ? null : await host.client.call('getDraft', { draft_id: again });
  const prompt = await vscode.window.showInputBox({
    title: 'Generate Draft',
    prompt: 'What should be proposed? Nothing runs until you approve the draft.',
    placeHolder: 'For example: explain how the tests are started',
    value: before?.prompt ?? unsent,
    ignoreFocusOut: true,
    validateInput: problemOf,
  });
  if (prompt === undefined) return;
  unsent = prompt;
  const steps = await pickForm(host);
  if (steps === null) return;
  await propose(host, { prompt, steps }, reviews, problems);
  unsent = '';
}

/** @returns whether to ask for steps; null if the person no longer wants anything */
export async function pickForm({ client }: Served): Promise<boolean | null> {
  const { active, providers } = await client.call('getProvider', {});
  // Where no model is asked, there is nothing to choose.
  if (providers[active]?.type === 'offline') return false;
  const text = {
    label: '$(note) Text',
    detail: 'An answer or a plan to read.',
    steps: false,
  };
  const steps = {
    label: '$(diff) Steps that change files',
    detail: 'The model is shown the files that clients may read.',
    steps: true,
  };
  const picked = await vscode.window.showQuickPick([text, steps], {
    title: 'Generate Draft',
    placeHolder: 'What kind of draft should it be?',
    ignoreFocusOut: true,
  });
  return picked?.steps ?? null;
}

/** Lets the active provider propose something, and tells when the draft is there. Rejects as the client does. */
export async function propose(
  host: Served,
  asked: Args['generateDraft'],
  reviews: Pick<ReviewPanels, 'open'>,
  problems: Pick<Problems, 'note'>,
): Promise<void> {
  const draft = await whileAsking(host, asked, problems);
  if (draft === null) return;
  const told =
    draft.status === 'error'
      ? vscode.window.showErrorMessage(
          `The provider gave no proposal. ${oneLine(draft.error ?? 'It does not say why.', 500)}`,
          review,
          ...providerWaysOut(draft.error ?? ''),
        )
      : vscode.window.showInformationMessage(
          `A draft waits for you: ${oneLine(draft.prompt, 80)}`,
          review,
        );
  // What is asked here is not waited for: the command has done its work.
  void told.then(async (picked) => {
    if (picked === review) reviews.open({ kind: 'draft', id: draft.id });
    else await takeWayOut(picked);
  });
}

function problemOf(text: string): string | undefined {
  if (text.trim() === '') return 'Say in a few words what to propose.';
  return text.length > longestPrompt
    ? `That are ${text.length} characters; at most ${longestPrompt} can be sent.`
    : undefined;
}

/** @returns the draft, or null if the person no longer waits for it */
async function whileAsking(
  { client }: Served,
  input: Args['generateDraft'],
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
    const asked = client.call('generateDraft', input);
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
