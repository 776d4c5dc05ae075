import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { atTheDesk, run, types } from './desk.ts';
import { notify } from './remote.ts';

/* What is told of what waits for a person, in a real extension host. */

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

describe('notifications', () => {
  const desk = atTheDesk();
  before(() => notify(true));
  after(() => notify(false));

  it('tell of what others propose, and a click opens it', async () => {
    desk.person.answers = 'Review';
    await desk.remote.call('createDraft', { prompt: 'Proposed by another' });
    await desk.person.untilTold(/A draft waits for you: Proposed by another/);
    await untilTab(/Proposed by another/);
  });

  it('are one for several, and none for what the person did', async () => {
    types('Written by the person');
    await run('newDraft');
    await Promise.all(
      [1, 2, 3].map((n) => desk.remote.call('createDraft', { prompt: `Number ${n}` })),
    );
    await desk.person.untilTold(/Several drafts or gates wait for you/);
    assert.doesNotMatch(desk.told(), /Written by the person|Number/);
  });

  it('that are off keep what only the person can decide: it waits, and nothing is told', async () => {
    await notify(false);
    const asked = await desk.remote.call('setConfig', { approval_channel: 'any' });
    assert.deepEqual(asked, { pending: 'editor' });
    await run('inner.reviewRequests');
    assert(desk.listed[0]?.some((row) => row.includes('approval_channel: auto → any')));
    assert.match(desk.listed[0]?.[0] ?? '', /No, leave it as it is/);
    assert.equal((await desk.remote.call('getConfig', {})).approval_channel, 'auto');
    await run('inner.reviewRequests');
    assert.equal(desk.listed.length, 1);
    assert.equal(desk.told(), '');
    await notify(true);
  });

  it('are off by the setting', async () => {
    await notify(false);
    await desk.remote.call('createDraft', { prompt: 'Nobody is told' });
    await run('refresh');
    await notify(true);
    await desk.remote.call('createDraft', { prompt: 'Told again' });
    await desk.person.untilTold(/wait/);
    assert.equal(desk.told(), 'A draft waits for you: Told again');
  });
});
