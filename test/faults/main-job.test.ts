import { execFile } from 'node:child_process';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeSample } from '../../scripts/sample.ts';
import { table } from '../../src/contract/operations.ts';
import { RunRecord } from '../../src/contract/records.ts';
import { behave, startModelServer } from '../fixtures/model-server.ts';
import { filesUnder, inspect, makePlace, send } from './support.ts';

const exec = promisify(execFile);
const upstream = join(import.meta.dirname, '../fixtures/upstream-data');
const providerKey = 'a-provider-key-that-nobody-may-see';

const draftIn = (answers: unknown[]) => table.getDraft.output.parse(answers[0]);
const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
/** The fields of a record file, in the order in which they stand there. */
const fieldsOf = async (path: string) => Object.keys(z.looseObject({}).parse(await readJson(path)));
/** The fields that the Python service wrote into the newest record of a kind. */
async function referenceFields(folder: string) {
  const names = (await readdir(join(upstream, folder))).sort();
  return fieldsOf(join(upstream, folder, names.at(-1) ?? ''));
}

type Place = Awaited<ReturnType<typeof makePlace>>;
type Models = Awaited<ReturnType<typeof startModelServer>>;

/** A piece of work from proposal to outcome, in a repository with real code; the server is killed in the middle. */
async function mainJob({ root, configHome, serve, gimo, adminToken }: Place, models: Models) {
  const first = await serve();
  const generated = draftIn(await gimo('generate', 'Explain where roundCents is used'));
  const mine = { type: 'openai_compat', base_url: models.url, model: 'm', api_key: providerKey };
  const token = await adminToken();
  await send(first.url, token, 'PUT', '/ops/provider', { active: 'mine', providers: { mine } });
  const shown = draftIn(await gimo('draft', 'show', generated.id));
  const edited = draftIn(await gimo('draft', 'edit', generated.id, '--content', 'Round lines.'));
  const approval = (await gimo('approve', generated.id, '--yes'))[0];
  const { approved } = table.approveDraft.output.parse(approval);

  models.script(behave.hangMidway('Rounding each line.\nAnd then '));
  const made = RunRecord.parse((await gimo('run', approved.id))[0]);
  await models.waitForRequest();
  await first.kill();
  const file = join(first.dataDir, 'ops/runs', `${made.id}.json`);
  const left = RunRecord.parse(await readJson(file));

  models.script(behave.usage('All lines are rounded.', 20, 5));
  const second = await serve();
  const done = RunRecord.parse((await gimo('logs', made.id, '-f')).at(-1));
  const listed = table.listRuns.output.parse((await gimo('runs'))[0]);
  const overHttp = await (await send(second.url, token, 'GET', `/ops/runs/${made.id}`)).json();
  const exitCode = await second.stop();
  return {
    ...{ first, second, generated, shown, edited, approved, made, left, done, listed },
    ...{ overHttp, exitCode, ops: join(first.dataDir, 'ops') },
    ledger: await inspect(root, configHome),
  };
}

describe('the main job, with a server that is killed in the middle of the run', () => {
  let place: Place;
  let models: Models;
  let job: Awaited<ReturnType<typeof mainJob>>;
  beforeAll(async () => {
    place = await makePlace();
    models = await startModelServer();
    await makeSample(place.root);
    job = await mainJob(place, models);
  });
  afterAll(async () => {
    await place?.dispose();
    await models?.close();
  });

  it('makes a proposal from the code that is there', () => {
    expect(job.generated).toMatchObject({ status: 'draft', source: 'generate', error: null });
    expect(job.generated.content).toContain('src/rounding.ts');
    expect(job.generated.content).toContain('Branch: `main`');
  });

  it('names another digest after a change of provider, and after an edit', () => {
    const digests = [job.generated.digest, job.shown.digest, job.edited.digest];
    expect(new Set(digests).size).toBe(3);
    expect(job.shown.provider_resolved).toMatchObject({ name: 'mine', model: 'm' });
    expect(job.approved).toMatchObject({ digest: job.edited.digest, runnable: true });
  });

  it('goes on after the kill, asks the model again, and ends done', () => {
    expect(job.left).toMatchObject({ status: 'running', attempt: 1, finished_at: null });
    expect(job.done).toMatchObject({ status: 'done', error: null, attempt: 2 });
    expect(job.done.started_at).toBe(job.left.started_at);
    expect(job.done.steps).toMatchObject([
      {
        ...{ id: 'prompt', kind: 'prompt', status: 'done' },
        result: {
          text: 'All lines are rounded.',
          usage: { prompt_tokens: 20, completion_tokens: 5 },
        },
      },
    ]);
    expect(models.requests).toHaveLength(2);
    expect(models.requests[1]?.body).toEqual(models.requests[0]?.body);
    expect(job.overHttp).toEqual(job.done);
    expect(job.listed).toMatchObject([{ id: job.made.id, status: 'done' }]);
    expect(job.exitCode).toBe(0);
  });

  it('leaves the draft on disk, with the fields of the reference and its own after them', async () => {
    const path = join(job.ops, 'drafts', `${job.generated.id}.json`);
    expect(await fieldsOf(path)).toEqual(expect.arrayContaining(await referenceFields('drafts')));
    expect(await readJson(path)).toMatchObject({
      ...{ id: job.generated.id, prompt: 'Explain where roundCents is used', context: {} },
      ...{ provider: 'offline', content: 'Round lines.', status: 'approved', error: null },
      ...{ approved_id: job.approved.id, digest: job.edited.digest, source: 'generate' },
      created_by: expect.stringMatching(/^admin:[0-9a-f]{12}$/),
    });
  });

  it('leaves the sealed artifact on disk', async () => {
    const path = join(job.ops, 'approved', `${job.approved.id}.json`);
    expect(await fieldsOf(path)).toEqual(expect.arrayContaining(await referenceFields('approved')));
    expect(await readJson(path)).toMatchObject({
      ...{ id: job.approved.id, draft_id: job.generated.id, content: 'Round lines.' },
      ...{ prompt: 'Explain where roundCents is used', digest: job.edited.digest },
      approved_by: expect.stringMatching(/^admin:[0-9a-f]{12}$/),
      approved_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      seal: expect.stringMatching(/^[0-9a-f]{64}$/),
      provider_resolved: { name: 'mine', type: 'openai_compat', origin: models.origin, model: 'm' },
    });
  });

  it('leaves the run on disk with its whole log', async () => {
    const path = join(job.ops, 'runs', `${job.made.id}.json`);
    expect(await fieldsOf(path)).toEqual(expect.arrayContaining(await referenceFields('runs')));
    const run = RunRecord.parse(await readJson(path));
    expect(run).toEqual(job.done);
    expect(run.approved_id).toBe(job.approved.id);
    // What the model had said when the process died may or may not be among it.
    const told = run.log.map(({ msg }) => msg).filter((msg) => msg !== 'Rounding each line.');
    expect(told).toEqual([
      ...['Run created', 'Execution started', 'Provider: mine (m)'],
      ...['Execution resumed', 'Provider: mine (m)', 'All lines are rounded.'],
      'Execution completed',
    ]);
  });

  it('leaves nothing else behind, and nothing for git to see', async () => {
    for (const folder of ['drafts', 'approved', 'runs'])
      expect(await readdir(join(job.ops, folder))).toHaveLength(1);
    const files = await filesUnder(job.first.dataDir);
    expect(
      files.filter(({ path }) => /\.tmp$|\.log\.jsonl$|owner\.json|quarantine/.test(path)),
    ).toEqual([]);
    expect(await readFile(join(job.first.dataDir, '.gitignore'), 'utf8')).toBe('*\n');
    const { stdout } = await exec('git', ['status', '--porcelain'], { cwd: place.root });
    expect(stdout).toBe('');
  });

  it.skipIf(process.platform === 'win32')('lets nobody else read what it keeps', async () => {
    const open: string[] = [];
    for (const dir of [job.first.dataDir, job.ledger.ledgerDir])
      for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        const mode = (await lstat(path)).mode & 0o777;
        if (mode !== (entry.isDirectory() ? 0o700 : 0o600)) open.push(`${entry.name} ${mode}`);
      }
    expect(open).toEqual([`.gitignore ${0o644}`]);
  });

  it('leaves an audit that is whole: for each act an intent, then what became of it', () => {
    expect(job.ledger.verdict).toMatchObject({ verdict: 'whole', at: null });
    const acts = Map.groupBy(
      job.ledger.entries,
      ({ correlation_id, operation }) => `${operation} ${correlation_id}`,
    );
    expect([...acts.keys()].map((name) => name.split(' ')[0])).toEqual([
      ...['generateDraft', 'setProvider', 'editDraft', 'approveDraft', 'createRun'],
    ]);
    for (const entries of acts.values()) {
      expect(entries.map(({ outcome }) => outcome)).toEqual(['intent', 'done']);
      expect(entries[0]?.actor).toMatch(/^admin:[0-9a-f]{12}$/);
    }
    const targets = job.ledger.entries.map(({ target }) => target);
    expect(targets).toEqual(expect.arrayContaining([job.generated.id, job.approved.id]));
  });

  it('leaves the run in the ledger, as the file tells it', async () => {
    expect(await job.ledger.ledger.runs.all()).toMatchObject([
      { id: job.made.id, status: 'done', digest: job.edited.digest, attempt: 2 },
    ]);
  });

  it('keeps every token and key out of the workspace, the audit and the log', async () => {
    const secrets = [...job.ledger.tokens, providerKey];
    expect(secrets.every((secret) => secret.length >= 16)).toBe(true);
    expect(await job.ledger.vault.get('provider.mine')).toContain(providerKey);
    const files = await filesUnder(place.root);
    expect(files.length).toBeGreaterThan(10);
    const logs = [job.first.log(), job.second.log()].map((text) => ({ path: 'log', text }));
    for (const { path, text } of [...files, ...logs])
      for (const secret of secrets)
        expect(text.includes(secret), `${path} holds a secret`).toBe(false);
  });
});
