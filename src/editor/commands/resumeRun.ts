import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { Approved, RunRecord } from '../../contract/records.ts';
import { isWaitingGate, nextStep } from '../../contract/steps.ts';
import { answered } from '../answered.ts';
import { Refusal, unlessGone } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { comingSteps, stepLines, titleOf } from '../steps.ts';
import { oneLine } from '../text.ts';
import { askYesNo, type YesNo } from './askYesNo.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickRun } from './pickRecord.ts';

/** As many letters as surely fit into a row of a quick pick. */
const rowWidth = 64;

/**
 * Lets a paused run go on, after a person has seen what comes next and said yes. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks among the paused ones
 */
export async function resumeRun(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const id = givenId('run', item) ?? (await pickRun(client, 'Resume Run', 'paused'));
  if (id === null) return;
  const run = await client.call('getRun', { run_id: id });
  if (run.status !== 'paused')
    throw new Refusal(`This run is not paused (it is in state "${run.status}").`);
  if (!(await askYesNo(questionOf(run, await approvedOf(client, run.approved_id))))) return;
  // A person may have thought long about it, and somebody else may have let it go on meanwhile, to the next gate.
  const now = await client.call('getRun', { run_id: id });
  if (placeOf(now) !== placeOf(run))
    throw new Refusal(
      'The run has changed while you looked at it, so nothing was resumed. Look again.',
    );
  const step = nextStep(run.steps)?.id;
  answered(await client.call('resumeRun', { run_id: id, step }));
  vscode.window.setStatusBarMessage('$(debug-continue) The run goes on.', 5000);
}

/** Where a run is: its state, and those of its steps. */
const placeOf = ({ status, steps }: RunRecord) =>
  JSON.stringify([status, ...steps.map((step) => step.status)]);

function questionOf(run: RunRecord, approved: Approved): YesNo {
  const gate = run.steps.find(isWaitingGate);
  const coming = comingSteps(run, approved.steps);
  const at = gate === undefined ? 'Paused' : `Gate: ${titleOf(gate)}`;
  return {
    title: `Resume: ${oneLine(approved.prompt, 60)}`,
    question: `${at}. ${coming.length === 0 ? 'No step comes after it.' : 'Below is what comes next.'} Go on?`,
    no: 'No, leave it paused',
    yes: 'Yes, go on',
    about: coming.map(({ number, step, approved: whole }) => ({
      heading: `${number}. ${titleOf(step)}`,
      lines:
        step.kind === 'gate'
          ? [{ text: 'Waits for you again', note: '' }]
          : whole === null
            ? [{ text: 'The approved prompt is sent to the model', note: '' }]
            : stepLines(whole, rowWidth),
    })),
  };
}

async function approvedOf(client: Client, approved_id: string): Promise<Approved> {
  const approved = await unlessGone(client.call('getApproved', { approved_id }));
  if (approved !== null) return approved;
  throw new Refusal(
    'What was approved for this run is gone, so what comes next cannot be told. Cancel the run and approve the work again.',
  );
}
