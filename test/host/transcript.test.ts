import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { isTerminal } from '../../src/core/run-steps.ts';
import { lmToolIds } from '../../src/editor/ids.ts';
import { masked, type Refusal, withTold } from '../api/operators/page.ts';
import { type Person, sitDown } from './person.ts';
import { takeToken } from './remote.ts';

/* The part of docs/OPERATORS.md that happens in an editor, and the example that shows it. */

const root = vscode.extensions.getExtension('gimo.gimo')?.extensionPath ?? '';
const file = path.join(root, 'docs', 'OPERATORS.md');
const writing = process.env.GIMO_TRANSCRIPTS === 'write';

let person: Person;
let operator: Client;
let agentToken: string;

/** Calls a tool as the editor lets any extension call it. */
async function call(name: string, input: object): Promise<string> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  return content
    .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
    .join('');
}

const idIn = (text: string, kind: string): string => {
  const [id] = new RegExp(`\\b${kind}_\\d+_[0-9a-f]+\\b`).exec(text) ?? [];
  assert(id !== undefined, text);
  return id;
};

/** Approves a draft as the person at a terminal does, and waits until its run is over. */
async function approveAndRun(draft_id: string): Promise<{ run: string; approved: string }> {
  const { digest } = await operator.call('getDraft', { draft_id });
  const answer = await operator.call('approveDraft', {
    ...{ draft_id, auto_run: true, ...(digest === null ? {} : { digest }) },
  });
  assert('run' in answer && answer.run !== null);
  const run_id = answer.run.id;
  for (let after = 0; ; ) {
    const { next, done } = await operator.call('getRunLog', { run_id, after });
    after = next;
    if (done) break;
  }
  assert(isTerminal((await operator.call('getRun', { run_id })).status));
  return { run: run_id, approved: answer.approved.id };
}

describe('what docs/OPERATORS.md shows of the editor', () => {
  before(async () => {
    person = sitDown();
    agentToken = (await takeToken(person, 'agent')).token;
    const { url, token } = await takeToken(person, 'operator');
    operator = createClient(httpTransport(url, token));
  });
  after(() => person.leave());

  it('the main job by a language-model tool, and what it is refused', async () => {
    const lines: string[] = [];
    const refusals: Refusal[] = [];
    const say = async (name: string, input: object) => {
      lines.push(`> ${name} ${JSON.stringify(input)}`);
      const said = await call(name, input);
      lines.push(`< ${said.replaceAll('\n', '\n  ')}`, '');
      return said;
    };
    const refuse = async (tried: string, name: string, input: object) => {
      lines.push(`> ${name} ${JSON.stringify(input)}`);
      const answer = await call(name, input).then(
        (said) => assert.fail(`${name} answered ${said}`),
        (error: unknown) => String(error instanceof Error ? error.message : error),
      );
      lines.push(`< error: ${answer}`, '');
      const [, code] = /^code: (\w+)$/m.exec(answer) ?? [];
      refusals.push({ tried, answer: code === undefined ? answer : `error, \`${code}\`` });
    };
    const ours = vscode.lm.tools.filter(({ tags }) => tags.includes('gimo'));
    lines.push('> vscode.lm.tools', `< ${ours.map(({ name }) => name).join(', ')}`, '');
    const draft = idIn(
      await say(lmToolIds.proposeDraft, { prompt: 'Say good morning, too', content: '# How' }),
      'd',
    );
    lines.push('# The person approves exactly that, and runs it.', '');
    const { run, approved } = await approveAndRun(draft);
    await say(lmToolIds.lookAtRun, { run_id: run });
    lines.push('# What it is refused.');
    await refuse('approve', 'gimo_approve_draft', { draft_id: draft });
    await refuse('run what was approved', 'gimo_create_run', { approved_id: approved });
    await refuse('propose a text with a token in it', lmToolIds.proposeDraft, {
      prompt: `Use ${agentToken}`,
    });
    await refuse('propose nothing', lmToolIds.proposeDraft, { prompt: ' ' });
    await refuse('look at a run that is not there', lmToolIds.lookAtRun, { run_id: 'r_1_abcdef' });
    const text = lines
      .join('\n')
      .replaceAll(agentToken, '(the token of an agent)')
      // Other tests leave files behind.
      .replaceAll(/(Changed files|Files to read): \d+/g, '$1: 0');
    const told = { operator: 'language-model tool', transcript: masked(text), refusals } as const;
    const page = readFileSync(file, 'utf8');
    const now = withTold(page, told);
    if (writing) writeFileSync(file, now);
    else assert.equal(now, page);
  });

  it('examples/editor-agent proposes as another extension, and gets to see what waits', async () => {
    const said: unknown = await vscode.commands.executeCommand(
      ...(['gimoExample.propose', 'From an extension of mine'] as const),
    );
    const { proposed, drafts } = Object(said);
    const id = idIn(proposed, 'd');
    assert.match(drafts, new RegExp(`^${id}  draft  .*"From an extension of mine"$`, 'm'));
    const { status, context, source } = await operator.call('getDraft', { draft_id: id });
    assert.deepEqual({ status, source }, { status: 'draft', source: 'editor' });
    assert.match(JSON.stringify(context), /a language model/);
  });
});
