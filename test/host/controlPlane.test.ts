import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { atTheDesk, clientOf, folder, run, types } from './desk.ts';
import { takeToken } from './remote.ts';

/* The commands of the control plane in a real extension host, against the server of the window. */

const records = (...names: string[]) => path.join(folder().fsPath, '.orch_data', 'ops', ...names);

async function untilDocument(uri: vscode.Uri, text: RegExp): Promise<string> {
  const document = await vscode.workspace.openTextDocument(uri);
  if (text.test(document.getText())) return document.getText();
  return new Promise((resolve) => {
    const watched = vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.document !== document || !text.test(document.getText())) return;
      watched.dispose();
      resolve(document.getText());
    });
  });
}

describe('the control plane', () => {
  const desk = atTheDesk();

  describe('tokens', () => {
    it('are not rotated by Enter', async () => {
      desk.person.picks = 'agent';
      await run('rotateToken');
      assert.match(desk.listed[0]?.[0] ?? '', /No, keep the token/);
      assert.equal(desk.told(), '');
    });

    it('are rotated at a word: the old one is refused, and the new one can be copied', async () => {
      const { token: old } = await takeToken(desk.person, 'agent');
      desk.person.told.length = 0;
      desk.person.answers = 'Copy Token';
      desk.choice = /Yes, make a new agent token/;
      const copied = desk.person.untilTold(/Copied the agent token/);
      await run('rotateToken', { kind: 'token', name: 'agent' });
      await copied;
      assert.match(desk.told(), /The agent token is new/);
      const fresh = await vscode.env.clipboard.readText();
      assert.equal((await clientOf(desk.url, fresh).call('listDrafts', {})).length >= 0, true);
      await assert.rejects(clientOf(desk.url, old).call('listDrafts', {}), /Invalid token/);
    });

    it('are copied from their row without a question', async () => {
      desk.person.picks = 'none of them';
      await run('copyToken', { kind: 'token', name: 'admin' });
      assert.equal(await vscode.env.clipboard.readText(), desk.admin);
    });
  });

  describe('the brake', () => {
    it('is not pulled by Escape', async () => {
      types(undefined);
      await run('lockDown');
      assert.equal((await desk.remote.call('getSecurityEvents', {})).level, 'open');
    });

    it('is pulled with a reason, and nothing new is done', async () => {
      types('an agent went wild');
      await run('lockDown');
      const { level, events } = await desk.remote.call('getSecurityEvents', {});
      assert.deepEqual([level, events.at(-1)?.reason], ['all', 'an agent went wild']);
      await assert.rejects(desk.remote.call('createDraft', { prompt: 'x' }), /LOCKDOWN/);
      await run('lockDown');
      assert.match(desk.told(), /locked down already/);
    });

    it('costs nobody what was typed for a draft that could not be proposed', async () => {
      for (const command of ['newDraft', 'generateDraft']) {
        types(`Keep what ${command} was told`);
        const refused = desk.person.untilTold(/LOCKDOWN/);
        await run(command);
        await refused;
        let offered: string | undefined;
        const look = async ({ value }: vscode.InputBoxOptions) => {
          offered = value;
        };
        Object.assign(vscode.window, { showInputBox: look });
        await run(command);
        assert.equal(offered, `Keep what ${command} was told`);
        desk.person.told.length = 0;
      }
    });

    it('is let go at a word, with what happened in sight, and not by Enter', async () => {
      await run('resolveLockdown');
      assert(desk.listed[0]?.some((row) => row.includes('an agent went wild')));
      assert.equal((await desk.remote.call('getSecurityEvents', {})).level, 'all');
      desk.choice = /Yes, end the lockdown/;
      await run('resolveLockdown');
      assert.equal((await desk.remote.call('getSecurityEvents', {})).level, 'open');
      await run('resolveLockdown');
      assert.match(desk.told(), /Nothing is locked down/);
    });
  });

  describe('the command line', () => {
    const tokenFile = () => {
      const home = process.env.GIMO_CONFIG_HOME ?? assert.fail('no ledger');
      const ledgers = readdirSync(home).filter((name) => /^[0-9a-f]{64}$/.test(name));
      assert.equal(ledgers.length, 1);
      return path.join(home, ledgers[0] ?? '', 'cli.token');
    };
    const there = () => statSync(tokenFile(), { throwIfNoEntry: false }) !== undefined;

    it('gets the operator token at a word, in a file that only its user can read', async () => {
      await run('allowCommandLine');
      assert.equal(there(), false);
      desk.choice = /Yes, allow the command line/;
      await run('allowCommandLine');
      const { token } = await takeToken(desk.person, 'operator');
      assert.equal(readFileSync(tokenFile(), 'utf8').trim(), token);
      assert.equal(statSync(tokenFile()).mode & 0o777, 0o600);
      const { entries } = await desk.remote.call('listAudit', { limit: 1000 });
      const mine = entries.filter(({ operation }) => operation === 'allowCommandLine');
      assert.deepEqual(
        mine.map(({ outcome, actor }) => [outcome, actor.split(':')[0]]),
        [
          ['intent', 'editor'],
          ['done', 'editor'],
        ],
      );
    });

    it('goes on with a new token when the old one is rotated', async () => {
      desk.choice = /Yes, make a new operator token/;
      await run('rotateToken', { kind: 'token', name: 'operator' });
      const { token } = await takeToken(desk.person, 'operator');
      assert.equal(readFileSync(tokenFile(), 'utf8').trim(), token);
    });

    it('loses it at a word', async () => {
      desk.choice = /Yes, revoke it/;
      await run('allowCommandLine');
      assert.equal(there(), false);
    });
  });

  describe('the audit log', () => {
    const address = vscode.Uri.parse('gimo-audit:/audit.log');

    it('is shown with the newest entry last, and follows what is done', async () => {
      await run('showAuditLog');
      const active = vscode.window.activeTextEditor?.document;
      assert.equal(active?.uri.toString(), address.toString());
      await desk.remote.call('createDraft', { prompt: 'For the audit' });
      const text = await untilDocument(address, /done +createDraft +admin:/);
      assert.match(text.trim().split('\n').at(-1) ?? '', /\bdone\b.*createDraft/);
    });

    it('is whole', async () => {
      await run('verifyAuditLog');
      await desk.person.untilTold(/The audit log is whole/);
    });

    it('tells where it was changed', async () => {
      const [name = ''] = readdirSync(records('audit')).filter((file) => file.endsWith('.jsonl'));
      const before = readFileSync(records('audit', name), 'utf8');
      writeFileSync(records('audit', name), before.replace('createDraft', 'rejectDraft'));
      await run('verifyAuditLog');
      writeFileSync(records('audit', name), before);
      await desk.person.untilTold(/The audit log was changed: entry \d+ is not as GIMO wrote it/);
    });
  });

  describe('copying', () => {
    it('gives the address, and the OpenAPI document for whom it is wanted', async () => {
      await run('copyAPIAddress');
      assert.equal(await vscode.env.clipboard.readText(), desk.url);
      desk.person.picks = 'For ChatGPT Actions';
      await run('copyOpenAPIDocument');
      const actions = JSON.parse(await vscode.env.clipboard.readText());
      desk.person.picks = 'All Operations';
      await run('copyOpenAPIDocument');
      const all = JSON.parse(await vscode.env.clipboard.readText());
      assert.match(actions.openapi, /^3\.1/);
      assert(Object.keys(all.paths).length > Object.keys(actions.paths).length);
      // Only what the token of an agent may call: it proposes, and nothing of it approves.
      assert('post' in actions.paths['/ops/drafts']);
      assert(!Object.keys(actions.paths).some((path) => /\/(approve|cancel|resume)$/.test(path)));
    });
  });
});
