import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { makeSample } from '../../scripts/sample.ts';
import { ApprovedRecord, DraftRecord, RunRecord } from '../../src/contract/records.ts';
import { type AuditEntry, AuditEntry as Entry } from '../../src/contract/rows/security.ts';
import { verifyAudit } from '../../src/core/audit.ts';
import { openAuditFile } from '../../src/store/auditfile.ts';
import { openLedger } from '../../src/store/ledger.ts';
import { ledgerDir } from '../../src/store/paths.ts';
import { type PanelPage, panelOf } from './panelPage.ts';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * The main job as a person does it, on a git repository with real code, in order: generate, look at the diff, approve
 * in the panel, watch the run, find everything on disk. The screenshots `main-job-*` are the README's pictures.
 */

let workbench: Workbench;
let panel: PanelPage;
let folder: string;

const prompt = 'Round invoice totals to cents';
const row = (view: string, text: string | RegExp) => workbench.rows(view).filter({ hasText: text });

beforeAll(async () => {
  folder = path.join(inject('scratch'), 'invoice-totals');
  await makeSample(folder);
  workbench = await launchWorkbench('main-job');
  panel = panelOf(workbench);
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await workbench.page.locator('.welcome-view-content').getByText('Nothing waits').waitFor();
});

afterAll(async () => {
  await workbench?.screenshot('main-job-last');
  await workbench?.close();
});

/** Puts away what tells that a command worked, so that it covers nothing. */
async function quiet(): Promise<void> {
  await workbench.run('Notifications: Clear All Notifications');
  await workbench.page.locator('.notifications-toasts .notification-list-item').waitFor({
    state: 'hidden',
  });
}

const files = (kind: string) =>
  readdirSync(path.join(folder, '.orch_data/ops', kind)).filter((name) => name.endsWith('.json'));
const record = (kind: string): unknown => {
  const [name, ...more] = files(kind);
  expect(more).toEqual([]);
  return JSON.parse(readFileSync(path.join(folder, '.orch_data/ops', kind, name ?? ''), 'utf8'));
};

test('a draft is generated from facts of the repository', async () => {
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer(prompt);
  await row('Drafts', new RegExp(`${prompt}.*waiting`)).waitFor();
  await quiet();
});

test('its diff opens in an editor', async () => {
  await row('Drafts', prompt).click();
  await panel.title.filter({ hasText: prompt }).waitFor();
  await panel.action('Approve').waitFor();
  await workbench.screenshot('main-job-review');
  await panel.action('Open Diff').click();
  const diff = workbench.page.locator('.monaco-diff-editor .editor.modified .view-line');
  await diff.filter({ hasText: 'invoice' }).first().waitFor();
  await workbench.screenshot('main-job-diff');
});

test('the panel shows all of it, and approves and runs exactly that', async () => {
  await row('Drafts', prompt).click();
  await panel.action('Approve & Run').waitFor();
  await panel.action('Approve & Run').click();
  await row('Runs', new RegExp(`${prompt}.*done`)).waitFor();
  await panel.frame.locator('.badge').filter({ hasText: 'Done' }).waitFor();
  await workbench.screenshot('main-job-run');
});

test('draft, artifact and run lie on disk, and each knows the other', async () => {
  const draft = DraftRecord.parse(record('drafts'));
  const approved = ApprovedRecord.parse(record('approved'));
  const run = RunRecord.parse(record('runs'));
  expect(draft).toMatchObject({
    ...{ prompt, status: 'approved', provider: 'offline', source: 'generate' },
    approved_id: approved.id,
  });
  expect(draft.content).toContain('src/');
  expect(approved).toMatchObject({
    ...{ draft_id: draft.id, content: draft.content, digest: draft.digest },
    shown_digest: draft.digest,
  });
  expect(approved.seal).toMatch(/^[0-9a-f]{64}$/);
  expect(approved.approved_by).toMatch(/^editor:[0-9a-f]{12}$/);
  expect(run).toMatchObject({ approved_id: approved.id, status: 'done', error: null });
  expect(run.steps).toMatchObject([{ kind: 'prompt', status: 'done' }]);
});

test('the audit chain tells of each of them before and after, and is whole', async () => {
  const dataDir = path.join(folder, '.orch_data');
  const dir = ledgerDir(path.join(inject('scratch'), 'ledger'), dataDir);
  expect(existsSync(dir)).toBe(true);
  // A clean stop, so that nobody writes while it is read.
  await workbench.run('GIMO: Stop Server');
  await workbench.page.locator('.welcome-view-content').getByText('is stopped').first().waitFor();
  const ledger = await openLedger({ dir, dataDir });
  const audit = await openAuditFile({ dir: path.join(dataDir, 'ops/audit'), ledger, fence() {} });
  const entries: AuditEntry[] = [];
  for await (const line of audit.lines()) entries.push(Entry.parse(JSON.parse(line)));
  expect(await verifyAudit(audit, ledger)).toMatchObject({ verdict: 'whole' });
  await audit.close();
  const told = entries.map(({ operation, outcome }) => `${operation} ${outcome}`);
  for (const operation of ['generateDraft', 'approveDraft', 'createRun'])
    expect(told.filter((line) => line.startsWith(operation))).toEqual([
      `${operation} intent`,
      `${operation} done`,
    ]);
  expect(new Set(entries.map(({ actor }) => actor)).size).toBe(1);
});

test('a reload keeps all of it', async () => {
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await row('Approved', new RegExp(`${prompt}.*runnable`)).waitFor();
  await row('Runs', new RegExp(`${prompt}.*done`)).waitFor();
});
