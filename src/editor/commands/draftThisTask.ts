import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import { Refusal, toldMs } from '../messages.ts';
import type { LanguageModels } from '../models/languageModel.ts';
import type { Problems } from '../problems.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { taskPrompt } from '../taskPrompt.ts';
import { oneLine, withoutIcons } from '../text.ts';
import { type Planned, type PlannedTask, readPlanned } from '../trees/planned.ts';
import { listOf, taskRow } from '../trees/planRow.ts';
import { longestPrompt, pickForm, propose } from './generateDraft.ts';
import { needsConsent } from './needsConsent.ts';
import { needsHost } from './needsHost.ts';

/** How many tasks are offered, in the order in which they can be done. */
const most = 200;
const title = 'Draft This Task';

/**
 * Makes a draft of a task of the plan: of its own words, or with a proposal of the model. One that waits already is
 * opened instead. Rejects as the client does.
 *
 * @param item a row of the plan's tree, or `{kind: 'task', id}`; without one a person picks
 */
export async function draftThisTask(
  server: Server,
  reviews: Pick<ReviewPanels, 'open'>,
  problems: Pick<Problems, 'note'>,
  models: Pick<LanguageModels, 'askConsent'>,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const planned = await readPlanned(client);
  if (planned === null)
    throw new Refusal('There is no plan yet. Set Plan from Active Editor makes one.');
  const found = await taskOf(planned, item);
  if (found === null) return;
  const { task } = found;
  const waiting = await waitingDraftOf(client, task.id);
  if (waiting !== null) {
    vscode.window.setStatusBarMessage(
      `$(info) A draft of "${oneLine(task.title, 60)}" waits already. Decide on that one first.`,
      toldMs,
    );
    reviews.open({ kind: 'draft', id: waiting });
    return;
  }
  const prompt = taskPrompt(task, planned.plan.constraints);
  const how = await pickHow(client, found, prompt);
  if (how === null) return;
  if (how === 'model') {
    await needsConsent(host, models);
    const steps = await pickForm(host);
    if (steps === null) return;
    await propose(host, { prompt, steps, plan_task_id: task.id }, reviews, problems);
    return;
  }
  const { id } = await client.call('createDraft', { prompt, plan_task_id: task.id });
  reviews.open({ kind: 'draft', id });
}

/** The task that the command was given, else one that a person picks; null if they pick none. */
async function taskOf({ tasks }: Planned, item: unknown): Promise<PlannedTask | null> {
  const given = givenTask(item);
  if (given !== null) {
    const found = tasks.find(({ task }) => task.id === given);
    if (found === undefined)
      throw new Refusal('This task is no longer in the plan, so there is nothing to draft.');
    return found;
  }
  const open = tasks.filter(({ task }) => task.status === 'pending' || task.status === 'blocked');
  if (open.length === 0)
    throw new Refusal(
      'No task of the plan is open. A task that is done can be drafted from the Plan view.',
    );
  const items = open.slice(0, most).map((planned) => {
    const { label, description, icon } = taskRow(planned);
    const iconPath = new vscode.ThemeIcon(icon.id, new vscode.ThemeColor(icon.color));
    return {
      label: withoutIcons(label),
      description: withoutIcons(description),
      iconPath,
      planned,
    };
  });
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title, placeHolder: 'Which task of the plan?', matchOnDescription: true },
    ignoreFocusOut: true,
  });
  return picked?.planned ?? null;
}

/** The id of the task in what the command was given. */
function givenTask(item: unknown): string | null {
  if (typeof item !== 'object' || item === null) return null;
  if (!('kind' in item) || item.kind !== 'task' || !('id' in item)) return null;
  return typeof item.id === 'string' ? item.id : null;
}

/** The newest draft of a task that waits for a decision. */
async function waitingDraftOf(client: Client, task: string): Promise<string | null> {
  let cursor: string | null | undefined;
  do {
    const { body, page } = await client.answer('listDrafts', {
      ...{ view: 'summary', status: ['draft'] },
      ...(cursor == null ? {} : { cursor }),
    });
    const found = body.find(({ plan_task_id }) => plan_task_id === task);
    if (found !== undefined) return found.id;
    cursor = page?.next;
  } while (cursor != null);
  return null;
}

async function pickHow(
  client: Client,
  planned: PlannedTask,
  prompt: string,
): Promise<'words' | 'model' | null> {
  const { active } = await client.call('getProvider', {});
  const tooLong = prompt.length > longestPrompt;
  const words = {
    label: '$(edit) New draft from this task',
    detail: 'Its title, scope and description and the constraints of the plan become the prompt.',
    how: 'words',
  } as const;
  const model = {
    label: '$(sparkle) Let the model draft it',
    detail: tooLong
      ? `The task is too long for that: ${prompt.length} characters, at most ${longestPrompt} can be sent.`
      : `${withoutIcons(oneLine(active, 60))} is asked for a proposal. It waits until you approve it.`,
    how: 'model',
  } as const;
  const picked = await vscode.window.showQuickPick([words, ...(tooLong ? [] : [model])], {
    title: `Draft: ${oneLine(planned.task.title, 80)}`,
    placeHolder: noteOn(planned) ?? 'How? Nothing runs until you approve the draft.',
    ignoreFocusOut: true,
  });
  return picked?.how ?? null;
}

/** What a person may want to know before they draft a task that others would do later, or not at all. */
function noteOn({ task, waitsFor }: PlannedTask): string | null {
  if (task.status === 'done') return 'Note: this task is done already.';
  if (task.status === 'in_progress') return 'Note: this task is in progress already.';
  if (waitsFor.length === 0) return null;
  return `Note: it comes after ${listOf(waitsFor)}, which ${waitsFor.length === 1 ? 'is' : 'are'} not done yet.`;
}
