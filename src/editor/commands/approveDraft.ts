import * as vscode from 'vscode';
import type { Draft } from '../../contract/operations.ts';
import { answered } from '../answered.ts';
import { Refusal, toldMs } from '../messages.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { effectsOf } from '../steps.ts';
import { oneLine, withoutIcons } from '../text.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickWaitingDraft } from './pickRecord.ts';

/** How much of a digest is told: enough to compare, short enough to read. */
const shortDigest = 12;

/**
 * Approves a draft, and runs it if asked to. Only what was rendered in this window, to the last character, can be
 * approved here; anything else opens in the panel first, where it can be read and approved. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks
 */
export async function approveDraft(
  server: Server,
  reviews: Pick<ReviewPanels, 'open' | 'hasRendered'>,
  run: boolean,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const title = run ? 'Approve and Run Draft' : 'Approve Draft';
  const id = givenId('draft', item) ?? (await pickWaitingDraft(host.client, title));
  if (id === null) return;
  const draft = await host.client.call('getDraft', { draft_id: id });
  const { digest } = draft;
  if (draft.status !== 'draft')
    throw new Refusal(
      `This draft is no longer waiting (it is in state "${draft.status}"), so there is nothing to approve.`,
    );
  if (digest === null || !reviews.hasRendered(id, digest)) {
    reviews.open({ kind: 'draft', id });
    vscode.window.setStatusBarMessage(
      '$(eye) Read the draft, then approve it in its panel.',
      toldMs,
    );
    return;
  }
  if (!(await confirmed(draft, digest, run))) return;
  const named = { draft_id: id, auto_run: run, digest, shown_digest: digest };
  const answer = await host.client.call('approveDraft', named);
  const { run: started, run_error } = answered(answer);
  if (run_error !== undefined)
    void vscode.window.showWarningMessage(`The draft is approved, but did not run. ${run_error}`);
  const told = started === null ? 'The draft is approved.' : 'The draft is approved and runs.';
  vscode.window.setStatusBarMessage(`$(check) ${told}`, toldMs);
}

/**
 * Asks once more, naming what is approved. A list and not a modal, because the first button of a modal is the one that
 * Enter presses: here that is "no".
 */
async function confirmed(draft: Draft, digest: string, run: boolean): Promise<boolean> {
  const name = withoutIcons(oneLine(draft.prompt, 80));
  const provider = draft.provider_resolved;
  const asked = provider === null ? '' : ` · asks ${provider.name} (${provider.model})`;
  const effects = effectsOf(draft.steps);
  const does = effects === '' ? '' : ` · ${effects}`;
  const no = { label: '$(close) No, do not approve', yes: false };
  const yes = {
    label: run ? '$(check) Yes, approve and run it' : '$(check) Yes, approve it',
    description: `digest ${digest.slice(0, shortDigest)}`,
    detail: `${name}${does}${asked}`,
    yes: true,
  };
  const picked = await vscode.window.showQuickPick([no, yes], {
    title: `${run ? 'Approve and Run' : 'Approve'}: ${name}`,
    placeHolder: `Exactly what you saw, digest ${digest.slice(0, shortDigest)}. Approve it?`,
    ignoreFocusOut: true,
  });
  return picked?.yes === true;
}
