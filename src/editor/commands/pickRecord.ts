import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import { Refusal } from '../messages.ts';
import { subjectOf } from '../review/subject.ts';
import { withoutIcons } from '../text.ts';
import { approvedRow, blockedReason } from '../trees/approvedRow.ts';
import { draftRow } from '../trees/draftRow.ts';
import type { Row } from '../trees/row.ts';
import { runRow } from '../trees/runRow.ts';
import { createTitledRuns } from '../trees/titledRuns.ts';

/** How many records are offered, newest first. */
const most = 200;

interface Choice {
  id: string;
  row: Row;
}

/** The id that a command was given, if what it was given is of that kind. */
export function givenId(kind: PanelSubject['kind'], item: unknown): string | null {
  const subject = subjectOf(item);
  return subject?.kind === kind ? subject.id : null;
}

/**
 * Lets a person pick one of the drafts that wait.
 *
 * @returns its id, or null if they pick none. Throws a `Refusal` if none waits
 */
export async function pickWaitingDraft(client: Client, title: string): Promise<string | null> {
  const drafts = await client.call('listDrafts', {
    ...{ view: 'summary', limit: most, status: ['draft'] },
  });
  const choices = drafts.map((draft) => ({ id: draft.id, row: draftRow(draft, Date.now()) }));
  return pick(choices, title, 'Which draft?', 'No draft waits for a decision.');
}

/** The same for artifacts: those that can run now, or all. */
export async function pickArtifact(
  client: Client,
  title: string,
  which: 'runnable' | 'all',
): Promise<string | null> {
  const now = Date.now();
  const all = await client.call('listApproved', { view: 'summary', limit: most });
  const choices = all
    .filter((artifact) => which === 'all' || blockedReason(artifact, now) === null)
    .map((artifact) => ({ id: artifact.id, row: approvedRow(artifact, now) }));
  const none = all.length === 0 ? 'Nothing is approved yet.' : 'No approved artifact can run now.';
  return pick(choices, title, 'Which approved artifact?', none);
}

const runsFor = {
  live: { status: ['running', 'paused', 'pending'], none: 'No run is under way.' },
  going: { status: ['running', 'pending'], none: 'No run is under way that could be paused.' },
  paused: { status: ['paused'], none: 'No run is paused.' },
  undoable: {
    status: ['done', 'error', 'cancelled'],
    none: 'No run that is over has changed files, so there is nothing to undo.',
  },
  all: {
    status: ['running', 'paused', 'pending', 'done', 'error', 'cancelled'],
    none: 'Nothing has run yet.',
  },
} as const;

/** The same for runs: those that are live, that can be paused, that are paused, that can be undone, or all. */
export async function pickRun(
  client: Client,
  title: string,
  which: keyof typeof runsFor,
): Promise<string | null> {
  const { status, none } = runsFor[which];
  const runs = await client.call('listRuns', {
    ...{ view: which === 'paused' ? 'full' : 'summary', limit: most, status: [...status] },
  });
  const titled = await createTitledRuns()(client, runs);
  const choices = titled
    .filter(({ undoable }) => which !== 'undoable' || undoable)
    .map((one) => ({ id: one.run.id, row: runRow(one, Date.now()) }));
  return pick(choices, title, 'Which run?', none);
}

async function pick(
  choices: readonly Choice[],
  title: string,
  placeHolder: string,
  none: string,
): Promise<string | null> {
  if (choices.length === 0) throw new Refusal(none);
  const items = choices.map(({ id, row }) => ({
    id,
    label: withoutIcons(row.label),
    description: row.description,
    detail: id,
    iconPath: new vscode.ThemeIcon(row.icon.id, new vscode.ThemeColor(row.icon.color)),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title, placeHolder, matchOnDescription: true, matchOnDetail: true },
  });
  return picked?.id ?? null;
}
