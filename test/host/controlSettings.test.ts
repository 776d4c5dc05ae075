import assert from 'node:assert/strict';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { watchEvents } from '../../src/client/events.ts';
import { defaultConfig } from '../../src/contract/records.ts';
import { atTheDesk, type Desk, folder, run, types } from './desk.ts';

/* The settings that the control plane shows, changed by its commands or in their files, in a real extension host. */

const fileAt = (...names: string[]) => vscode.Uri.joinPath(folder(), ...names);
const records = (...names: string[]) => path.join(folder().fsPath, '.orch_data', 'ops', ...names);

/** Waits until the server has noticed that a file of settings was changed. */
async function untilNoticed(desk: Desk, change: () => void): Promise<void> {
  const ended = new AbortController();
  const seen = watchEvents({
    url: desk.url,
    token: desk.admin,
    signal: ended.signal,
    prove: async () => {},
  });
  const next = seen[Symbol.asyncIterator]();
  await next.next();
  change();
  for (;;) {
    const { value, done } = await next.next();
    if (done === true || (value.type === 'change' && value.event.type === 'changes')) break;
  }
  ended.abort();
}

describe('the control plane changes settings:', () => {
  const desk = atTheDesk();
  const allowed = async () => (await desk.remote.call('getAllowlist', {})).paths;

  describe('what clients may read', () => {
    before(() => {
      writeFileSync(fileAt('one.md').fsPath, 'one\n');
      writeFileSync(fileAt('two.md').fsPath, 'two\n');
      writeFileSync(fileAt('.env').fsPath, 'A=1\n');
    });

    it('is a file of the Explorer, for an hour', async () => {
      desk.person.picks = '$(clock) An Hour';
      await run('letClientsRead', fileAt('one.md'), [fileAt('one.md')]);
      const [entry] = await allowed();
      assert.equal(entry?.path, 'one.md');
      const minutes = (Date.parse(entry?.expires_at ?? '') - Date.now()) / 60_000;
      assert(minutes > 58 && minutes <= 60, String(minutes));
      assert.equal(await desk.remote.call('readFile', { path: 'one.md' }), 'one\n');
    });

    it('is all that is selected, until it is revoked; what was listed before stays', async () => {
      desk.person.picks = '$(infinity) Until Revoked';
      await run('letClientsRead', fileAt('two.md'), [fileAt('two.md'), fileAt('README.md')]);
      assert.deepEqual((await allowed()).map(({ path: at }) => at).sort(), [
        ...['README.md', 'one.md', 'two.md'],
      ]);
      const two = (await allowed()).find(({ path: at }) => at === 'two.md');
      assert.equal(two?.expires_at.slice(0, 4), '9999');
    });

    it('is never a file of secrets; the others of the selection are listed, and the reason is told', async () => {
      desk.person.picks = '$(calendar) A Day';
      await run('letClientsRead', fileAt('.env'), [fileAt('.env'), fileAt('README.md')]);
      assert.match(desk.told(), /^\.env: GIMO never lets clients read this\./);
      assert(!(await allowed()).some(({ path: at }) => at === '.env'));
      const readme = (await allowed()).find(({ path: at }) => at === 'README.md');
      assert.notEqual(readme?.expires_at.slice(0, 4), '9999');
    });

    it('is not what lies outside of the folder', async () => {
      await run('letClientsRead', vscode.Uri.file('/etc/hostname'), []);
      assert.match(desk.told(), /is not in the folder that GIMO serves/);
    });

    it('stops from a row, from the Explorer, and says so where there is nothing to stop', async () => {
      await run('stopClientsReading', { kind: 'allowed', name: 'two.md' });
      await run('stopClientsReading', fileAt('README.md'), [fileAt('README.md'), fileAt('one.md')]);
      assert.deepEqual(await allowed(), []);
      await run('stopClientsReading', fileAt('one.md'), []);
      assert.match(desk.told(), /Clients may not read one\.md/);
      await run('stopClientsReading');
      assert.match(desk.told(), /Clients may read nothing here/);
    });

    it('is the whole folder from the palette; a file in it is stopped there', async () => {
      desk.person.picks = '$(folder) The Whole Folder';
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
      assert.match(desk.told(), /because they may read the whole folder/);
      await run('stopClientsReading', folder(), []);
      assert.deepEqual(await allowed(), []);
    });
  });

  describe('the configuration', () => {
    it('is changed one field at a time, and in force at once', async () => {
      desk.person.picks = 'Runs at the same time';
      types('5');
      await run('editConfiguration');
      assert.equal((await desk.remote.call('getConfig', {})).max_concurrent_runs, 5);
    });

    it('says who may approve from its row', async () => {
      desk.person.picks = 'in the editor only';
      await run('editConfiguration', { kind: 'approvals', name: 'approval_channel' });
      assert.equal((await desk.remote.call('getConfig', {})).approval_channel, 'editor');
      desk.person.picks = 'in the editor';
      await run('editConfiguration', { kind: 'approvals', name: 'approval_channel' });
      assert.equal((await desk.remote.call('getConfig', {})).approval_channel, 'auto');
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
      assert(desk.listed[0]?.some((row) => row.trim() === real));
      assert.deepEqual((await desk.remote.call('getConfig', {})).command_allowlist, []);
      desk.choice = /Yes, allow it/;
      Object.assign(vscode.window, { showQuickPick: pickAll(...way) });
      await run('editConfiguration', item);
      assert.deepEqual((await desk.remote.call('getConfig', {})).command_allowlist, [
        { program: real, args_prefix: ['--version', 'a b'] },
      ]);
      desk.choice = /Yes, take it out/;
      Object.assign(vscode.window, { showQuickPick: pickAll(/--version/) });
      await run('editConfiguration', item);
      Object.assign(vscode.window, { showQuickPick });
      assert.deepEqual((await desk.remote.call('getConfig', {})).command_allowlist, []);
    });
  });

  describe('what was changed outside', () => {
    const change = (patch: object) =>
      writeFileSync(records('config.json'), JSON.stringify({ ...defaultConfig, ...patch }));

    it('is nothing at first, and that is told', async () => {
      await run('reviewOutsideChanges');
      assert.match(desk.told(), /No setting was changed outside/);
    });

    it('is shown as a diff, and Enter leaves it', async () => {
      await untilNoticed(desk, () => change({ run_timeout_s: 77 }));
      await run('reviewOutsideChanges');
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
      assert.match(tab?.label ?? '', /^config\.json: accepted ↔ found/);
      assert(tab?.input instanceof vscode.TabInputTextDiff);
      const right = await vscode.workspace.openTextDocument(tab.input.modified);
      assert.match(right.getText(), /"run_timeout_s": 77/);
      assert.match(desk.listed[0]?.[0] ?? '', /Decide later/);
      assert.equal((await desk.remote.call('listChanges', {})).length, 1);
    });

    it('comes into force when it is accepted', async () => {
      desk.choice = /Accept what the file says/;
      await run('reviewOutsideChanges', { kind: 'change', name: 'config' });
      assert.equal((await desk.remote.call('getConfig', {})).run_timeout_s, 77);
      assert.deepEqual(await desk.remote.call('listChanges', {}), []);
    });

    it('is written back when it is restored, and what cannot be accepted is not offered', async () => {
      await untilNoticed(desk, () => writeFileSync(records('config.json'), '{"nonsense": true}'));
      desk.choice = /Restore what was accepted/;
      await run('reviewOutsideChanges');
      assert(!desk.listed[0]?.some((row) => row.includes('Accept what')));
      assert(desk.listed[0]?.some((row) => row.includes('It cannot be accepted')));
      assert.equal(JSON.parse(readFileSync(records('config.json'), 'utf8')).run_timeout_s, 77);
    });
  });
});
