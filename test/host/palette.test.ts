import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Client } from '../../src/client/client.ts';
import { watchEvents } from '../../src/client/events.ts';
import { commandIds, controlCommandIds, documentCommandIds } from '../../src/editor/ids.ts';
import { behave, type ModelServer, startModelServer } from '../fixtures/model-server.ts';
import { type Person, sitDown } from './person.ts';
import { startRemote, takeToken } from './remote.ts';

/* What holds for every command, and those that no other suite gives. */

let person: Person;
let remote: Client;
let models: ModelServer;

const ids: readonly string[] = [commandIds, controlCommandIds, documentCommandIds].flatMap((some) =>
  Object.values(some),
);
const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);

/** A run of this artifact's once it is in such a state. */
async function runIn(status: string, run_id: string) {
  const stop = new AbortController();
  const { url, token } = await takeToken(person, 'admin');
  try {
    for await (const seen of watchEvents({ url, token, signal: stop.signal })) {
      if (seen.type === 'change' && seen.event.type !== 'run') continue;
      const found = await remote.call('getRun', { run_id });
      if (found.status === status) return found;
    }
  } finally {
    stop.abort();
  }
  throw new Error(`The run was never ${status}.`);
}

describe('commands', () => {
  before(async () => {
    person = sitDown();
    models = await startModelServer();
    remote = await startRemote(person);
  });
  afterEach(() => {
    person.told.length = 0;
    person.answers = undefined;
    person.picks = undefined;
  });
  after(async () => {
    await remote.call('setProvider', {
      active: 'offline',
      providers: { offline: { type: 'offline', model: 'offline' } },
    });
    await models.close();
    person.leave();
  });

  it('are all there', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      ids.filter((id) => !known.has(id)),
      [],
    );
  });

  it('that need a server say that there is none, and offer to start it', async () => {
    const without: readonly string[] = [
      ...[commandIds.startServer, commandIds.stopServer, commandIds.restartServer],
      ...[commandIds.showLog, commandIds.refresh, commandIds.setPlanFromActiveEditor],
    ];
    await run(commandIds.stopServer);
    for (const id of ids.filter((one) => !without.includes(one))) {
      person.told.length = 0;
      await run(id);
      const [question] = person.told;
      assert.match(
        question?.message ?? '',
        /^The GIMO server is not running in this window\.$/,
        id,
      );
      assert.deepEqual(question?.offers, ['Start Server'], id);
    }
    person.answers = 'Start Server';
    person.picks = 'no role';
    await run(commandIds.copyToken);
    person.picks = undefined;
    remote = await startRemote(person);
    assert.equal((await remote.call('getStatus', {})).pid, process.pid);
  });

  it('that need a server wait for one that is starting', async () => {
    await run(commandIds.stopServer);
    person.told.length = 0;
    person.picks = 'no role';
    const starting = run(commandIds.startServer);
    await run(commandIds.copyToken);
    assert.deepEqual(person.told, []);
    await starting;
    person.picks = undefined;
    remote = await startRemote(person);
  });

  it('Pause Run holds a run before its next step, and Cancel Run ends it there', async () => {
    const test = { type: 'openai_compat' as const, base_url: models.url, model: 'test-model' };
    await remote.call('setProvider', { active: 'test', providers: { test } });
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    models.script(behave.slow(gate, 'One two three.'));
    const steps = ['one', 'two'].map((id) => ({ id, kind: 'prompt' as const, text: id }));
    const draft = await remote.call('createDraft', { prompt: 'In two steps', steps });
    const answer = await remote.call('approveDraft', {
      ...{ draft_id: draft.id, digest: draft.digest ?? '', auto_run: true },
    });
    assert('run' in answer && answer.run !== null);
    const { id } = answer.run;
    await models.waitForRequest();
    await run(commandIds.pauseRun, { kind: 'run', id });
    release();
    const paused = await runIn('paused', id);
    assert.deepEqual(
      paused.steps.map(({ status }) => status),
      ['done', 'waiting'],
    );
    await run(commandIds.cancelRun, { kind: 'run', id });
    assert.equal((await runIn('cancelled', id)).finished_at === null, false);
  });

  it("Show Log shows the extension's log", async () => {
    const shown = new Promise<vscode.Uri>((resolve) => {
      const watched = vscode.window.onDidChangeVisibleTextEditors((editors) => {
        const found = editors.find(({ document }) => document.uri.scheme === 'output');
        if (found === undefined) return;
        watched.dispose();
        resolve(found.document.uri);
      });
    });
    await run(commandIds.showLog);
    assert.match((await shown).path, /gimo/i);
  });
});
