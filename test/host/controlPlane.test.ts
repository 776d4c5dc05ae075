import assert from 'node:assert/strict';
import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { watchEvents } from '../../src/client/events.ts';
import { httpTransport } from '../../src/client/http.ts';
import { defaultConfig } from '../../src/contract/records.ts';
import { type Person, sitDown } from './person.ts';
import { notify, takeToken } from './remote.ts';

/* The commands of the control plane in a real extension host, against the server of the window. */

let person: Person;
let url: string;
let admin: string;
let remote: Client;
const { showInputBox, createQuickPick, showOpenDialog } = vscode.window;
/** Which row is picked in lists that the extension builds itself; undefined: the first. */
let choice: RegExp | undefined;
/** What such lists showed. */
let listed: string[][];

const folder = () => vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail('no folder');
const fileAt = (...names: string[]) => vscode.Uri.joinPath(folder(), ...names);
const records = (...names: string[]) => path.join(folder().fsPath, '.orch_data', 'ops', ...names);
const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(`gimo.${command}`, ...given);
const told = () => person.told.map(({ message }) => message).join('\n');
const types = (text: string | undefined) => {
  Object.assign(vscode.window, { showInputBox: async () => text });
};
const clientOf = (token: string) => createClient(httpTransport(url, token));
const allowed = async () => (await remote.call('getAllowlist', {})).paths;

/** A list that answers at once, as {@link choice} says. */
function answeringList(): vscode.QuickPick<vscode.QuickPickItem> {
  const picker = createQuickPick.call(vscode.window);
  const accepted = new vscode.EventEmitter<void>();
  const hidden = new vscode.EventEmitter<void>();
  return Object.assign(Object.create(picker), {
    items: [],
    selectedItems: [],
    onDidAccept: accepted.event,
    onDidHide: hidden.event,
    show(this: { items: vscode.QuickPickItem[]; selectedItems: vscode.QuickPickItem[] }) {
      listed.push(this.items.map(({ label }) => label));
      const wanted = this.items.find(({ label }) => choice?.test(label) ?? true);
      this.selectedItems = wanted === undefined ? [] : [wanted];
      accepted.fire();
    },
    hide: () => hidden.fire(),
    dispose: () => picker.dispose(),
  });
}

const untilTold = (text: RegExp) => person.untilTold(text);

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

/** Resolves once a tab has such a label. */
function untilTab(label: RegExp): Promise<void> {
  const { tabGroups } = vscode.window;
  const isThere = () => tabGroups.all.some(({ tabs }) => tabs.some((tab) => label.test(tab.label)));
  if (isThere()) return Promise.resolve();
  return new Promise((resolve) => {
    const watched = tabGroups.onDidChangeTabs(() => {
      if (!isThere()) return;
      watched.dispose();
      resolve();
    });
  });
}

/** Waits until the server has noticed that a file of settings was changed. */
async function untilNoticed(change: () => void): Promise<void> {
  const ended = new AbortController();
  const seen = watchEvents({ url, token: admin, signal: ended.signal, prove: async () => {} });
  const next = seen[Symbol.asyncIterator]();
  await next.next();
  change();
  for (;;) {
    const { value, done } = await next.next();
    if (done === true || (value.type === 'change' && value.event.type === 'changes')) break;
  }
  ended.abort();
}

describe('the control plane', () => {
  before(async () => {
    person = sitDown();
    await notify(false);
    ({ url, token: admin } = await takeToken(person, 'admin'));
    remote = clientOf(admin);
  });
  beforeEach(() => {
    person.told.length = 0;
    person.picks = undefined;
    person.answers = undefined;
    choice = undefined;
    listed = [];
    Object.assign(vscode.window, { createQuickPick: answeringList });
  });
  afterEach(() => {
    Object.assign(vscode.window, { showInputBox, createQuickPick, showOpenDialog });
  });
  after(() => person.leave());

  describe('tokens', () => {
    it('are not rotated by Enter', async () => {
      person.picks = 'agent';
      await run('rotateToken');
      assert.match(listed[0]?.[0] ?? '', /No, keep the token/);
      assert.equal(told(), '');
    });

    it('are rotated at a word: the old one is refused, and the new one can be copied', async () => {
      const { token: old } = await takeToken(person, 'agent');
      person.told.length = 0;
      person.answers = 'Copy Token';
      choice = /Yes, make a new agent token/;
      const copied = untilTold(/Copied the agent token/);
      await run('rotateToken', { kind: 'token', name: 'agent' });
      await copied;
      assert.match(told(), /The agent token is new/);
      const fresh = await vscode.env.clipboard.readText();
      assert.equal((await clientOf(fresh).call('listDrafts', {})).length >= 0, true);
      await assert.rejects(clientOf(old).call('listDrafts', {}), /Invalid token/);
    });

    it('are copied from their row without a question', async () => {
      person.picks = 'none of them';
      await run('copyToken', { kind: 'token', name: 'admin' });
      assert.equal(await vscode.env.clipboard.readText(), admin);
    });
  });

  describe('what clients may read', () => {
    before(() => {
      writeFileSync(fileAt('one.md').fsPath, 'one\n');
      writeFileSync(fileAt('two.md').fsPath, 'two\n');
      writeFileSync(fileAt('.env').fsPath, 'A=1\n');
    });

    it('is a file of the Explorer, for an hour', async () => {
      person.picks = '$(clock) An Hour';
      await run('letClientsRead', fileAt('one.md'), [fileAt('one.md')]);
      const [entry] = await allowed();
      assert.equal(entry?.path, 'one.md');
      const minutes = (Date.parse(entry?.expires_at ?? '') - Date.now()) / 60_000;
      assert(minutes > 58 && minutes <= 60, String(minutes));
      assert.equal(await remote.call('readFile', { path: 'one.md' }), 'one\n');
    });

    it('is all that is selected, until it is revoked; what was listed before stays', async () => {
      person.picks = '$(infinity) Until Revoked';
      await run('letClientsRead', fileAt('two.md'), [fileAt('two.md'), fileAt('README.md')]);
      assert.deepEqual((await allowed()).map(({ path: at }) => at).sort(), [
        ...['README.md', 'one.md', 'two.md'],
      ]);
      const two = (await allowed()).find(({ path: at }) => at === 'two.md');
      assert.equal(two?.expires_at.slice(0, 4), '9999');
    });

    it('is never a file of secrets; the others of the selection are listed, and the reason is told', async () => {
      person.picks = '$(calendar) A Day';
      await run('letClientsRead', fileAt('.env'), [fileAt('.env'), fileAt('README.md')]);
      assert.match(told(), /^\.env: GIMO never lets clients read this\./);
      assert(!(await allowed()).some(({ path: at }) => at === '.env'));
      const readme = (await allowed()).find(({ path: at }) => at === 'README.md');
      assert.notEqual(readme?.expires_at.slice(0, 4), '9999');
    });

    it('is not what lies outside of the folder', async () => {
      await run('letClientsRead', vscode.Uri.file('/etc/hostname'), []);
      assert.match(told(), /is not in the folder that GIMO serves/);
    });

    it('stops from a row, from the Explorer, and says so where there is nothing to stop', async () => {
      await run('stopClientsReading', { kind: 'allowed', name: 'two.md' });
      await run('stopClientsReading', fileAt('README.md'), [fileAt('README.md'), fileAt('one.md')]);
      assert.deepEqual(await allowed(), []);
      await run('stopClientsReading', fileAt('one.md'), []);
      assert.match(told(), /Clients may not read one\.md/);
      await run('stopClientsReading');
      assert.match(told(), /Clients may read nothing here/);
    });

    it('is the whole folder from the palette; a file in it is stopped there', async () => {
      person.picks = '$(folder) The Whole Folder';
      const { showQuickPick } = vscode.window;
      let asked = 0;
      Object.assign(vscode.window, {
        showQuickPick: (items: vscode.QuickPickItem[]) => {
          asked += 1;
          return items.find(({ label }) => /The Whole Folder|An Hour/.test(label));
        },
      });
      await run('letClientsRead');
      Object.assign(vscode.window, { showQuickPick });
      assert.equal(asked, 2);
      assert.deepEqual(
        (await allowed()).map(({ path: at, type }) => [at, type]),
        [['.', 'dir']],
      );
      await run('stopClientsReading', fileAt('one.md'), []);
      assert.match(told(), /because they may read the whole folder/);
      await run('stopClientsReading', folder(), []);
      assert.deepEqual(await allowed(), []);
    });
  });

  describe('the brake', () => {
    it('is not pulled by Escape', async () => {
      types(undefined);
      await run('lockDown');
      assert.equal((await remote.call('getSecurityEvents', {})).level, 'open');
    });

    it('is pulled with a reason, and nothing new is done', async () => {
      types('an agent went wild');
      await run('lockDown');
      const { level, events } = await remote.call('getSecurityEvents', {});
      assert.deepEqual([level, events.at(-1)?.reason], ['all', 'an agent went wild']);
      await assert.rejects(remote.call('createDraft', { prompt: 'x' }), /LOCKDOWN/);
      await run('lockDown');
      assert.match(told(), /locked down already/);
    });

    it('is let go at a word, with what happened in sight, and not by Enter', async () => {
      await run('resolveLockdown');
      assert(listed[0]?.some((row) => row.includes('an agent went wild')));
      assert.equal((await remote.call('getSecurityEvents', {})).level, 'all');
      choice = /Yes, end the lockdown/;
      await run('resolveLockdown');
      assert.equal((await remote.call('getSecurityEvents', {})).level, 'open');
      await run('resolveLockdown');
      assert.match(told(), /Nothing is locked down/);
    });
  });

  describe('the configuration', () => {
    it('is changed one field at a time, and in force at once', async () => {
      person.picks = 'Runs at the same time';
      types('5');
      await run('editConfiguration');
      assert.equal((await remote.call('getConfig', {})).max_concurrent_runs, 5);
    });

    it('says who may approve from its row', async () => {
      person.picks = 'in the editor only';
      await run('editConfiguration', { kind: 'approvals', name: 'approval_channel' });
      assert.equal((await remote.call('getConfig', {})).approval_channel, 'editor');
      person.picks = 'in the editor';
      await run('editConfiguration', { kind: 'approvals', name: 'approval_channel' });
      assert.equal((await remote.call('getConfig', {})).approval_channel, 'auto');
    });

    it('allows a program by its name, with its real path shown, and not by Enter', async () => {
      const real = realpathSync(process.execPath);
      Object.assign(vscode.window, {
        showOpenDialog: async () => [vscode.Uri.file(process.execPath)],
      });
      const pickAll = (...labels: RegExp[]) => {
        const left = [...labels];
        return async (items: Thenable<vscode.QuickPickItem[]>) => {
          const wanted = left.shift();
          return (await items).find(({ label }) => wanted?.test(label));
        };
      };
      const { showQuickPick } = vscode.window;
      types('--version "a b"');
      const way = [/Allow a Program…/, /Choose Its File/, /Only With Arguments/];
      Object.assign(vscode.window, { showQuickPick: pickAll(...way) });
      const item = { kind: 'programs', name: 'command_allowlist' };
      await run('editConfiguration', item);
      assert(listed[0]?.some((row) => row.trim() === real));
      assert.deepEqual((await remote.call('getConfig', {})).command_allowlist, []);
      choice = /Yes, allow it/;
      Object.assign(vscode.window, { showQuickPick: pickAll(...way) });
      await run('editConfiguration', item);
      assert.deepEqual((await remote.call('getConfig', {})).command_allowlist, [
        { program: real, args_prefix: ['--version', 'a b'] },
      ]);
      choice = /Yes, take it out/;
      Object.assign(vscode.window, { showQuickPick: pickAll(/--version/) });
      await run('editConfiguration', item);
      Object.assign(vscode.window, { showQuickPick });
      assert.deepEqual((await remote.call('getConfig', {})).command_allowlist, []);
    });
  });

  describe('what was changed outside', () => {
    const change = (patch: object) =>
      writeFileSync(records('config.json'), JSON.stringify({ ...defaultConfig, ...patch }));

    it('is nothing at first, and that is told', async () => {
      await run('reviewOutsideChanges');
      assert.match(told(), /No setting was changed outside/);
    });

    it('is shown as a diff, and Enter leaves it', async () => {
      await untilNoticed(() => change({ run_timeout_s: 77 }));
      await run('reviewOutsideChanges');
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
      assert.match(tab?.label ?? '', /^config\.json: accepted ↔ found/);
      assert(tab?.input instanceof vscode.TabInputTextDiff);
      const right = await vscode.workspace.openTextDocument(tab.input.modified);
      assert.match(right.getText(), /"run_timeout_s": 77/);
      assert.match(listed[0]?.[0] ?? '', /Decide later/);
      assert.equal((await remote.call('listChanges', {})).length, 1);
    });

    it('comes into force when it is accepted', async () => {
      choice = /Accept what the file says/;
      await run('reviewOutsideChanges', { kind: 'change', name: 'config' });
      assert.equal((await remote.call('getConfig', {})).run_timeout_s, 77);
      assert.deepEqual(await remote.call('listChanges', {}), []);
    });

    it('is written back when it is restored, and what cannot be accepted is not offered', async () => {
      await untilNoticed(() => writeFileSync(records('config.json'), '{"nonsense": true}'));
      choice = /Restore what was accepted/;
      await run('reviewOutsideChanges');
      assert(!listed[0]?.some((row) => row.includes('Accept what')));
      assert(listed[0]?.some((row) => row.includes('It cannot be accepted')));
      assert.equal(JSON.parse(readFileSync(records('config.json'), 'utf8')).run_timeout_s, 77);
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
      choice = /Yes, allow the command line/;
      await run('allowCommandLine');
      const { token } = await takeToken(person, 'operator');
      assert.equal(readFileSync(tokenFile(), 'utf8').trim(), token);
      assert.equal(statSync(tokenFile()).mode & 0o777, 0o600);
      const { entries } = await remote.call('listAudit', { limit: 1000 });
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
      choice = /Yes, make a new operator token/;
      await run('rotateToken', { kind: 'token', name: 'operator' });
      const { token } = await takeToken(person, 'operator');
      assert.equal(readFileSync(tokenFile(), 'utf8').trim(), token);
    });

    it('loses it at a word', async () => {
      choice = /Yes, revoke it/;
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
      await remote.call('createDraft', { prompt: 'For the audit' });
      const text = await untilDocument(address, /done +createDraft +admin:/);
      assert.match(text.trim().split('\n').at(-1) ?? '', /\bdone\b.*createDraft/);
    });

    it('is whole', async () => {
      await run('verifyAuditLog');
      await untilTold(/The audit log is whole/);
    });

    it('tells where it was changed', async () => {
      const [name = ''] = readdirSync(records('audit')).filter((file) => file.endsWith('.jsonl'));
      const before = readFileSync(records('audit', name), 'utf8');
      writeFileSync(records('audit', name), before.replace('createDraft', 'rejectDraft'));
      await run('verifyAuditLog');
      writeFileSync(records('audit', name), before);
      await untilTold(/The audit log was changed: entry \d+ is not as GIMO wrote it/);
    });
  });

  describe('copying', () => {
    it('gives the address, and the OpenAPI document for whom it is wanted', async () => {
      await run('copyAPIAddress');
      assert.equal(await vscode.env.clipboard.readText(), url);
      person.picks = 'For ChatGPT Actions';
      await run('copyOpenAPIDocument');
      const actions = JSON.parse(await vscode.env.clipboard.readText());
      person.picks = 'All Operations';
      await run('copyOpenAPIDocument');
      const all = JSON.parse(await vscode.env.clipboard.readText());
      assert.match(actions.openapi, /^3\.1/);
      assert(Object.keys(all.paths).length > Object.keys(actions.paths).length);
      // Only what the token of an agent may call: it proposes, and nothing of it approves.
      assert('post' in actions.paths['/ops/drafts']);
      assert(!Object.keys(actions.paths).some((path) => /\/(approve|cancel|resume)$/.test(path)));
    });
  });

  describe('notifications', () => {
    before(() => notify(true));
    after(() => notify(false));

    it('tell of what others propose, and a click opens it', async () => {
      person.answers = 'Review';
      await remote.call('createDraft', { prompt: 'Proposed by another' });
      await untilTold(/A draft waits for you: Proposed by another/);
      await untilTab(/Proposed by another/);
    });

    it('are one for several, and none for what the person did', async () => {
      types('Written by the person');
      await run('newDraft');
      await Promise.all(
        [1, 2, 3].map((n) => remote.call('createDraft', { prompt: `Number ${n}` })),
      );
      await untilTold(/Several drafts or gates wait for you/);
      assert.doesNotMatch(told(), /Written by the person|Number/);
    });

    it('that are off keep what only the person can decide: it waits, and nothing is told', async () => {
      await notify(false);
      const asked = await remote.call('setConfig', { approval_channel: 'any' });
      assert.deepEqual(asked, { pending: 'editor' });
      await run('inner.reviewRequests');
      assert(listed[0]?.some((row) => row.includes('approval_channel: auto → any')));
      assert.match(listed[0]?.[0] ?? '', /No, leave it as it is/);
      assert.equal((await remote.call('getConfig', {})).approval_channel, 'auto');
      await run('inner.reviewRequests');
      assert.equal(listed.length, 1);
      assert.equal(told(), '');
      await notify(true);
    });

    it('are off by the setting', async () => {
      await notify(false);
      await remote.call('createDraft', { prompt: 'Nobody is told' });
      await run('refresh');
      await notify(true);
      await remote.call('createDraft', { prompt: 'Told again' });
      await untilTold(/wait/);
      assert.equal(told(), 'A draft waits for you: Told again');
    });
  });
});
