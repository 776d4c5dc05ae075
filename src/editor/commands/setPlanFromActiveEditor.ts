import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { Plan } from '../../contract/records.ts';
import { codeOf, Refusal, toldMs } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { counted, oneLine } from '../text.ts';
import { planOf } from '../trees/planned.ts';
import { askYesNo } from './askYesNo.ts';
import { needsHost } from './needsHost.ts';

/**
 * Makes the text of the active editor the plan. Where there is a plan already, a person is shown what would be replaced,
 * and asked. Rejects as the client does, and with a `Refusal` for text that is no plan.
 */
export async function setPlanFromActiveEditor(server: Server): Promise<void> {
  const text = vscode.window.activeTextEditor?.document.getText();
  if (text === undefined)
    throw new Refusal(
      'No text is open. Open a plan as JSON in an editor, then give this command again.',
    );
  const host = await needsHost(server);
  if (host === null) return;
  const { planIn } = await import('../planText.ts');
  const read = planIn(text);
  if ('problem' in read) throw new Refusal(`This is not a plan that can be set. ${read.problem}`);
  const { plan } = read;
  const before = await found(host.client);
  if (before !== null && !(await replaces(before, plan))) return;
  await host.client.call('setPlan', plan);
  const verb = before === null ? 'set' : 'replaced';
  vscode.window.setStatusBarMessage(`$(check) The plan is ${verb}: ${countOf(plan)}.`, toldMs);
}

/** The plan that there is, null if there is none. Rejects as the client does. */
async function found(client: Client): Promise<Plan | 'unreadable' | null> {
  try {
    return await planOf(client);
  } catch (error) {
    if (codeOf(error) === 'storage_error') return 'unreadable';
    throw error;
  }
}

/** Shows what would be replaced, and by what. */
function replaces(before: Plan | 'unreadable', after: Plan): Promise<boolean> {
  if (before === 'unreadable')
    return askYesNo({
      title: 'Replace plan.json',
      question: 'There is a plan.json that cannot be read as a plan. Replace it?',
      no: 'No, keep the file as it is',
      yes: 'Yes, replace it',
      about: [
        { heading: 'New', lines: [{ text: nameOf(after), note: countOf(after) }] },
        { heading: 'Then', lines: [{ text: 'What the file says now is lost.', note: '' }] },
      ],
    });
  return askYesNo({
    title: `Replace the plan: ${nameOf(before)}`,
    question: `There is a plan with ${countOf(before)}; the new one has ${countOf(after)}. Replace it?`,
    no: 'No, keep the plan',
    yes: 'Yes, replace it',
    about: [
      { heading: 'Now', lines: [{ text: nameOf(before), note: countOf(before) }] },
      { heading: 'New', lines: [{ text: nameOf(after), note: countOf(after) }] },
      { heading: 'Then', lines: [{ text: lossOf(before, after), note: '' }] },
    ],
  });
}

/** What becomes of the tasks that there were. Drafts and runs stay, whatever the plan says. */
function lossOf(before: Plan, after: Plan): string {
  const kept = new Set(after.tasks.map(({ id }) => id));
  const gone = before.tasks.filter(({ id }) => !kept.has(id)).length;
  const lost = gone === 0 ? 'All tasks stay' : `${gone} of its tasks ${gone === 1 ? 'goes' : 'go'}`;
  return `${lost}; drafts and runs are kept.`;
}

const countOf = ({ tasks }: Plan) => counted(tasks.length, 'task');
const nameOf = ({ title, id }: Plan) => oneLine(title || id, 80);
