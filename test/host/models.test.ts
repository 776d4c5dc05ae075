import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Client } from '../../src/client/client.ts';
import { watchEvents } from '../../src/client/events.ts';
import type { Draft } from '../../src/contract/operations.ts';
import { firstProviderOf } from '../../src/editor/models/firstProvider.ts';
import { createLanguageModels } from '../../src/editor/models/languageModel.ts';
import { behave, startModelServer } from '../fixtures/model-server.ts';
import type { TestModels } from './model-extension/extension.ts';
import { type Person, sitDown } from './person.ts';
import { startRemote, takeToken } from './remote.ts';

/*
 * The editor's own model, with models that an extension of the tests brings. Whose models need consent, the editor under
 * test asks and takes no for an answer, since it shows no dialog.
 */

let person: Person;
let remote: Client;
let models: TestModels;
const { showInputBox } = vscode.window;

async function use(type: 'editor' | 'offline', model: string): Promise<void> {
  await remote.call('setProvider', { active: type, providers: { [type]: { type, model } } });
}
const generate = (prompt = 'Propose something'): Promise<Draft> =>
  remote.call('generateDraft', { prompt });
const told = () => person.told.map(({ message }) => message).join('\n');

/** The command, with a person who types this. */
async function generateByHand(prompt: string): Promise<Draft | undefined> {
  person.picks = undefined;
  Object.assign(vscode.window, { showInputBox: async () => prompt });
  await vscode.commands.executeCommand('gimo.generateDraft');
  const drafts = await remote.call('listDrafts', {});
  const found = drafts.find((draft) => draft.prompt === prompt);
  return found && remote.call('getDraft', { draft_id: found.id });
}

/** A run once it is over. */
async function over(run_id: string) {
  const stop = new AbortController();
  const { url, token } = await takeToken(person, 'admin');
  try {
    for await (const seen of watchEvents({ url, token, signal: stop.signal })) {
      if (seen.type === 'change' && seen.event.type !== 'run') continue;
      const run = await remote.call('getRun', { run_id });
      if (!['pending', 'running'].includes(run.status)) return run;
    }
  } finally {
    stop.abort();
  }
  throw new Error('The run did not end.');
}

// In one suite, so that its hooks are for its own tests.
describe('models of the editor', () => {
  before(async () => {
    person = sitDown();
    remote = await startRemote(person);
    const extension = vscode.extensions.getExtension<TestModels>('gimo-tests.models');
    assert(extension !== undefined, 'The models for tests are not there.');
    models = await extension.activate();
  });
  after(async () => {
    await use('offline', 'offline');
    models.offer('gimo-open');
    models.offer('gimo-guarded');
    Object.assign(vscode.window, { showInputBox });
    person.leave();
  });
  beforeEach(() => {
    models.offer('gimo-open', 'owl');
    models.offer('gimo-guarded');
    models.behave({ kind: 'words', words: ['A ', 'proposal.'] });
  });
  afterEach(() => {
    models.asked.length = 0;
    person.told.length = 0;
    person.answers = undefined;
    person.picks = undefined;
  });

  describe("the editor's model, before anybody has allowed it", () => {
    it('is not asked for a client, who is told what a person has to do', async () => {
      await use('editor', 'owl');
      const agent = await startRemote(person, 'agent');
      const draft = await agent.call('generateDraft', { prompt: 'Whatever' });
      assert.equal(draft.status, 'error');
      assert.match(draft.error ?? '', /Nobody has allowed GIMO yet to use The owl/);
      assert.deepEqual(models.asked, []);
    });

    it('is checked without being asked for anything', async () => {
      const { ok, detail } = await remote.call('checkProvider', {});
      assert.equal(ok, true);
      assert.equal(detail, 'The editor has The owl, and asks you once before GIMO may use it.');
      await vscode.commands.executeCommand('gimo.checkProvider');
      assert.match(told(), /^The editor has The owl, and lets GIMO use it\. \(\d+ ms\)$/);
      assert.deepEqual(models.asked, []);
    });

    it('is asked for a client from then on', async () => {
      const agent = await startRemote(person, 'agent');
      const { content } = await agent.call('generateDraft', { prompt: 'Whatever' });
      assert.equal(content, 'A proposal.');
      assert.deepEqual(models.asked, ['owl: Whatever']);
    });
  });

  describe("the editor's model", () => {
    it('gets the prompt, and its answer is the draft', async () => {
      await use('editor', 'auto');
      const draft = await generateByHand('By hand');
      assert.equal(draft?.content, 'A proposal.');
      assert.deepEqual(models.asked, ['owl: By hand']);
      assert.deepEqual(draft?.provider_resolved, {
        ...{ name: 'editor', type: 'editor', origin: null, model: 'auto' },
      });
    });

    for (const model of ['lynx', 'gimo-open/lynx', 'family-of-lynx'])
      it(`is the one that the provider names: ${model}`, async () => {
        models.offer('gimo-open', 'owl', 'lynx');
        await use('editor', model);
        await generate();
        assert.deepEqual(models.asked, ['lynx: Propose something']);
      });

    it('writes into the log of a run, and its answer is the result', async () => {
      await use('editor', 'auto');
      models.behave({ kind: 'words', words: ['One\n', 'two'] });
      const { id } = await remote.call('createDraft', { prompt: 'Say it' });
      const { digest } = await remote.call('getDraft', { draft_id: id });
      assert(digest !== null);
      const done = await remote.call('approveDraft', { draft_id: id, digest, auto_run: true });
      assert('run' in done && done.run !== null);
      const run = await over(done.run.id);
      assert.equal(run.status, 'done', run.error ?? '');
      assert.deepEqual(run.steps[0]?.result, { text: 'One\ntwo', usage: null });
    });

    it('is cancelled with the run that asked it', async () => {
      await use('editor', 'auto');
      models.behave({ kind: 'hangs', words: ['Once '] });
      const reached = models.reached();
      const cancelled = models.cancelled();
      const { id } = await remote.call('createDraft', { prompt: 'Take your time' });
      const { digest } = await remote.call('getDraft', { draft_id: id });
      assert(digest !== null);
      const done = await remote.call('approveDraft', { draft_id: id, digest, auto_run: true });
      assert('run' in done && done.run !== null);
      const run_id = done.run.id;
      await reached;
      await remote.call('cancelRun', { run_id });
      await cancelled;
      assert.equal((await over(run_id)).status, 'cancelled');
    });
  });

  describe("the editor's model fails", () => {
    const { LanguageModelError } = vscode;
    const cases: [string, Error, RegExp][] = [
      [
        'blocked',
        LanguageModelError.Blocked('Quota used up'),
        /takes no request now: Quota used up\./,
      ],
      ['gone', LanguageModelError.NotFound('owl'), /is not among the editor's models any more/],
      ['otherwise', new Error('The owl fell'), /The owl failed: The owl fell\. Try again/],
      ['not allowed', LanguageModelError.NoPermissions('no'), /does not let GIMO use The owl/],
    ];
    for (const [how, error, words] of cases)
      it(`${how}: a draft tells it, and the model is not asked twice`, async () => {
        await use('editor', 'auto');
        await vscode.commands.executeCommand('gimo.checkProvider');
        models.behave({ kind: 'fails', words: ['Half '], error });
        const draft = await generate();
        assert.equal(draft.status, 'error');
        assert.match(draft.error ?? '', words);
        assert.equal(models.asked.length, 1);
      });

    it('where there is no such model, and says so', async () => {
      await use('editor', 'unicorn');
      const { ok, detail } = await remote.call('checkProvider', {});
      assert.equal(ok, false);
      assert.match(detail, /The editor has no model "unicorn"\. Choose another provider/);
      await vscode.commands.executeCommand('gimo.generateDraft');
      assert.match(told(), /no model "unicorn"/);
    });

    it('where the editor has none', async () => {
      models.offer('gimo-open');
      await use('editor', 'auto');
      const { ok, detail } = await remote.call('checkProvider', {});
      assert.equal(ok, false);
      assert.match(detail, /The editor has no language model now\./);
    });
  });

  describe("consent to the editor's model", () => {
    beforeEach(async () => {
      models.offer('gimo-open');
      models.offer('gimo-guarded', 'sphinx');
      await use('editor', 'sphinx');
    });

    it('is asked for before a person types, and a refusal makes no draft', async () => {
      const draft = await generateByHand('Never sent');
      assert.equal(draft, undefined);
      assert.match(
        told(),
        /^The editor does not let GIMO use The sphinx, because that was not allowed\. Run "GIMO: Check Provider" or "GIMO: Generate Draft" to be asked again\.$/,
      );
      assert.deepEqual(models.asked, []);
    });

    it('is not asked for again where no person acts, and that is told', async () => {
      const draft = await generate();
      assert.equal(draft.status, 'error');
      assert.match(draft.error ?? '', /does not let GIMO use The sphinx/);
      const { ok, detail } = await remote.call('checkProvider', {});
      assert.equal(ok, false);
      assert.match(detail, /to be asked again/);
      assert.deepEqual(models.asked, []);
    });

    it('is asked for again at a person’s word', async () => {
      await vscode.commands.executeCommand('gimo.checkProvider');
      assert.match(told(), /does not let GIMO use The sphinx/);
      assert.equal(person.told.length, 1);
    });
  });

  describe('Choose Provider', () => {
    it("offers the editor's models, and takes one as it is", async () => {
      await use('offline', 'offline');
      person.picks = '$(add) The owl';
      await vscode.commands.executeCommand('gimo.chooseProvider');
      const { active, providers } = await remote.call('getProvider', {});
      assert.equal(active, 'owl');
      assert.deepEqual(providers.owl, { type: 'editor', model: 'owl', api_key: null });
      assert.match(told(), /The provider is now owl\./);
      assert.equal((await generateByHand('Chosen'))?.content, 'A proposal.');
    });

    it('offers none where the editor has none', async () => {
      models.offer('gimo-open');
      await use('offline', 'offline');
      person.picks = "$(add) The editor's own model";
      await vscode.commands.executeCommand('gimo.chooseProvider');
      assert.equal((await remote.call('getProvider', {})).active, 'offline');
    });
  });

  describe('Check Provider', () => {
    it('tells a failure, with the ways on', async () => {
      await remote.call('setProvider', {
        active: 'local',
        providers: {
          local: { type: 'openai_compat', base_url: 'http://127.0.0.1:9/v1', model: 'm' },
        },
      });
      await vscode.commands.executeCommand('gimo.checkProvider');
      const [question] = person.told;
      assert.match(question?.message ?? '', /Cannot connect to 127\.0\.0\.1:9/);
      assert.deepEqual(question?.offers, ['Choose Provider', 'Show Log']);
    });

    it('offers to set the key where that is to blame', async () => {
      const server = await startModelServer();
      server.script(behave.status(401, 'Who are you?'));
      try {
        const hosted = { type: 'openai_compat' as const, base_url: server.url, model: 'm' };
        await remote.call('setProvider', { active: 'hosted', providers: { hosted } });
        await vscode.commands.executeCommand('gimo.checkProvider');
      } finally {
        await server.close();
      }
      const [question] = person.told;
      const offers = ['Set Provider Key', 'Choose Provider', 'Show Log'];
      assert.deepEqual(question?.offers, offers, question?.message);
    });
  });

  describe('the first provider of a folder', () => {
    const memory: vscode.Memento = {
      keys: () => [],
      get: () => undefined,
      update: async () => {},
    };
    const first = () => {
      const note = (error: unknown) => assert.fail(String(error));
      return firstProviderOf(createLanguageModels(memory, note));
    };

    it("is the editor's own model where there is one", async () => {
      assert.deepEqual(await first(), {
        ...{ active: 'editor', providers: { editor: { type: 'editor', model: 'auto' } } },
      });
      assert.deepEqual(models.asked, []);
    });

    it('is left to the server where there is none', async () => {
      models.offer('gimo-open');
      assert.equal(await first(), undefined);
    });
  });
});
