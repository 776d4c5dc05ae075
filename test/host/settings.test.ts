import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { settingIds } from '../../src/editor/ids.ts';
import { type Person, sitDown } from './person.ts';
import { notify, takeToken } from './remote.ts';

/* Settings of the machine in a real extension host, where only the person can write them. */

let person: Person;
const made: string[] = [];

const folder = () => vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('no folder');
const set = (setting: string, value: unknown) =>
  vscode.workspace.getConfiguration().update(setting, value, vscode.ConfigurationTarget.Global);
const told = () => person.told.map(({ message }) => message).join('\n');
const scratch = () => {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'gimo-settings-')));
  made.push(dir);
  return dir;
};

/** What a server answers a caller who names this host; `fetch` names none but its own. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${url}/health`, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).once('error', reject);
  });
}

async function remote(): Promise<{ url: string; admin: Client }> {
  person.told.length = 0;
  const { url, token } = await takeToken(person, 'admin');
  return { url, admin: createClient(httpTransport(url, token)) };
}

describe('settings of the machine', () => {
  before(async () => {
    person = sitDown();
    await notify(false);
    await vscode.commands.executeCommand('gimo.startServer');
  });
  afterEach(() => {
    person.told.length = 0;
    person.answers = undefined;
  });
  after(() => person.leave());

  describe('gimo.corsOrigins', () => {
    const origin = 'https://app.example.com';
    /** What a browser is answered that asks whether a page may call. */
    const preflight = async (url: string) => {
      const headers = {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      };
      const { headers: found } = await fetch(`${url}/status`, { method: 'OPTIONS', headers });
      return found.get('access-control-allow-origin');
    };
    after(() => set(settingIds.corsOrigins, undefined));

    it('lets no page call at first, the listed one at once, and none again when it is taken out', async () => {
      const { url } = await remote();
      assert.equal(await preflight(url), null);
      await set(settingIds.corsOrigins, [`${origin}/`]);
      assert.equal(await preflight(url), origin);
      await set(settingIds.corsOrigins, undefined);
      assert.equal(await preflight(url), null);
    });

    it('that cannot be used is told at once, and lets nobody call', async () => {
      const { url } = await remote();
      await set(settingIds.corsOrigins, ['*']);
      await person.untilTold(/gimo\.corsOrigins has to be a list of addresses/);
      assert.equal(await preflight(url), null);
    });
  });

  describe('gimo.publicUrl', () => {
    after(() => set(settingIds.publicUrl, undefined));

    it('is answered to at once, and told if it cannot be used', async () => {
      const { url } = await remote();
      const asked = (host: string) => statusFor(url, host);
      assert.equal(await asked('gimo.example.com'), 403);
      await set(settingIds.publicUrl, 'https://gimo.example.com');
      assert.equal(await asked('gimo.example.com'), 200);
      await set(settingIds.publicUrl, 'gimo.example.com/path');
      await person.untilTold(/gimo\.publicUrl has to be an address/);
      assert.equal(await asked('gimo.example.com'), 403);
    });
  });

  describe('gimo.dataDirectory', () => {
    after(async () => {
      await set(settingIds.dataDirectory, undefined);
      await vscode.commands.executeCommand('gimo.restartServer');
    });

    it('holds the records of the folder from the next start on, and the folder keeps its own', async () => {
      const before = await remote();
      const { id } = await before.admin.call('createDraft', { prompt: 'Stays in the folder' });
      const dir = scratch();
      person.answers = 'Restart Server';
      await set(settingIds.dataDirectory, dir);
      await person.untilTold(/looks in the new data directory from the next start on/);
      person.answers = undefined;
      await vscode.commands.executeCommand('gimo.restartServer');
      const { admin } = await remote();
      assert.deepEqual(await admin.call('listDrafts', {}), []);
      await admin.call('createDraft', { prompt: 'Lies elsewhere' });
      const [name = '', ...more] = readdirSync(dir);
      assert.deepEqual(more, []);
      assert.match(name, new RegExp(`^${path.basename(folder())}-[0-9a-f]{12}$`));
      assert.equal(readdirSync(path.join(dir, name, '.orch_data/ops/drafts')).length, 1);
      assert(existsSync(path.join(folder(), '.orch_data/ops/drafts', `${id}.json`)));
    });

    it('in the folder itself is refused with what to do, and mended, the server starts', async () => {
      const inside = path.join(folder(), 'inside');
      mkdirSync(inside);
      await set(settingIds.dataDirectory, inside);
      await vscode.commands.executeCommand('gimo.restartServer');
      assert.match(told(), /gimo\.dataDirectory must not name a folder in the one that is open/);
      await set(settingIds.dataDirectory, undefined);
      const { admin } = await remote();
      const drafts = await admin.call('listDrafts', {});
      assert(drafts.some(({ prompt }) => prompt === 'Stays in the folder'));
    });
  });

  it('none of them can be set by the folder', async () => {
    const { admin } = await remote();
    for (const setting of Object.values(settingIds))
      await assert.rejects(async () =>
        vscode.workspace
          .getConfiguration()
          .update(setting, null, vscode.ConfigurationTarget.Workspace),
      );
    assert.equal((await admin.call('getConfig', {})).approval_channel, 'auto');
  });
});
