import { expect, it } from 'vitest';
import { behave } from '../../fixtures/model-server.ts';
import { startServer } from '../harness.ts';
import { allow, writeFiles } from '../repository/support.ts';
import {
  approve,
  approveAndRun,
  serverWith,
  startModels,
  startRun,
  whenEnded,
} from '../runs/support.ts';
import { newDraft } from '../wire/support.ts';
import { connect, done, textOf } from './support.ts';

/* Answers that do not fill a model's memory, and say how to read on. */

const most = 41_000;

it('a list shows twenty in summary, and leads to the rest', async () => {
  const server = await startServer();
  const ids = new Set<unknown>();
  for (let n = 0; n < 45; n += 1) ids.add((await newDraft(server, { content: 'long' })).id);
  const client = await connect(server, 'actions');
  const seen = new Set<unknown>();
  for (let cursor: unknown, pages = 1; ; pages += 1) {
    const page = await done(client, 'list_drafts', cursor === undefined ? {} : { cursor });
    const items: Record<string, unknown>[] = Object(page.items);
    expect(page.total).toBe(45);
    for (const item of items) {
      expect(Object.keys(item)).not.toContain('content');
      seen.add(item.id);
    }
    cursor = page.next_cursor;
    if (cursor !== null) continue;
    expect(pages).toBe(3);
    break;
  }
  expect(seen).toEqual(ids);
});

it('what is answered whole is not said to be cut', async () => {
  const server = await startServer();
  const { id } = await newDraft(server, { content: 'short' });
  const client = await connect(server, 'actions');
  const result = await client.callTool({ name: 'get_draft', arguments: { draft_id: id } });
  expect(JSON.parse(textOf(result))).toEqual(result.structuredContent);
});

it('a list of whole records answers as many as fit, with the cursor that goes with them', async () => {
  const server = await startServer();
  for (let n = 0; n < 6; n += 1) await newDraft(server, { content: 'x'.repeat(15_000) });
  const client = await connect(server, 'actions');
  const seen = new Set<unknown>();
  for (let cursor: unknown; cursor !== null; ) {
    const asked = { view: 'full', ...(cursor === undefined ? {} : { cursor }) };
    const result = await client.callTool({ name: 'list_drafts', arguments: asked });
    const page = Object(result.structuredContent);
    expect(JSON.stringify(page).length).toBeLessThan(most);
    for (const { id, content } of page.items) {
      expect(content).toHaveLength(15_000);
      expect(seen.has(id)).toBe(false);
      seen.add(id);
    }
    if (page.next_cursor !== null) expect(textOf(result)).toContain('next_cursor');
    cursor = page.next_cursor;
  }
  expect(seen.size).toBe(6);
});

it('a long record is cut, says so, and loses the digest that an approval would name', async () => {
  const server = await startServer();
  const { id } = await newDraft(server, { content: 'x'.repeat(200_000) });
  const client = await connect(server, 'actions');
  const result = await client.callTool({ name: 'get_draft', arguments: { draft_id: id } });
  const shown = Object(result.structuredContent);
  expect(JSON.stringify(shown).length).toBeLessThan(most);
  expect(shown).toMatchObject({ id, answer_truncated: true, digest: null });
  expect(textOf(result)).toContain('GET /ops/drafts/{draft_id} of the HTTP API');
});

it('what was made is answered as a handle', async () => {
  const server = await startServer();
  const client = await connect(server, 'agent');
  const prompt = 'p'.repeat(5000);
  const steps = [{ id: 's', kind: 'prompt', text: 'Say it.' }];
  const made = await done(client, 'create_draft', {
    prompt,
    content: 'c',
    context: { a: 1 },
    steps,
  });
  expect(made).toMatchObject({ prompt: 'p'.repeat(200), prompt_truncated: true });
  for (const name of ['content', 'context', 'steps']) expect(made).not.toHaveProperty(name);
});

it('a long log is read a part at a time, and nothing is missed', async () => {
  const models = await startModels();
  const server = await serverWith(models);
  const lines = Array.from({ length: 3000 }, (_, n) => `line number ${n} of the answer\n`);
  models.script(behave.words(lines.join('')));
  const { approved } = await approve(server);
  const run = await startRun(server, approved.id);
  await whenEnded(server, run.id);
  const whole = await server.request('GET', `/ops/runs/${run.id}/log`, { role: 'actions' });
  const client = await connect(server, 'actions');
  const entries: unknown[] = [];
  let parts = 0;
  for (let over = false; !over; parts += 1) {
    const asked = { run_id: run.id, after: entries.length };
    const part = await done(client, 'get_run_log', asked);
    expect(JSON.stringify(part).length).toBeLessThan(most);
    entries.push(...Object(part.entries));
    expect(part.next).toBe(entries.length);
    over = part.done === true;
  }
  expect(parts).toBeGreaterThan(1);
  expect(entries).toEqual(Object(whole.body).entries);
  const { content } = await client.callTool({ name: 'get_run', arguments: { run_id: run.id } });
  expect(JSON.stringify(content)).toContain('get_run_log reads its log');
});

it('a log is not over while the run goes on', async () => {
  const models = await startModels();
  const server = await serverWith(models);
  models.script(behave.hang());
  const run = await approveAndRun(server);
  const client = await connect(server, 'operator');
  expect(await done(client, 'get_run_log', { run_id: run.id })).toMatchObject({ done: false });
  await done(client, 'cancel_run', { run_id: run.id });
  await whenEnded(server, run.id);
});

it('a long file is read on where it was cut', async () => {
  const server = await startServer();
  const lines = Array.from({ length: 480 }, (_, n) => `${n} ${'w'.repeat(150)}\n`);
  await writeFiles(server.root, { 'long.txt': lines.join('') });
  await allow(server, 'long.txt');
  const client = await connect(server, 'actions');
  const read = async (start_line: number) =>
    textOf(
      await client.callTool({ name: 'read_file', arguments: { path: 'long.txt', start_line } }),
    );
  let text = '';
  for (let at = 1, more = true; more; ) {
    const part = await read(at);
    expect(part.length).toBeLessThan(most);
    const said = /\[truncated after \d+ lines: read on with start_line=(\d+)\]\n$/.exec(part);
    text += said === null ? part : part.slice(0, said.index);
    more = said !== null;
    at = Number(said?.[1]);
  }
  expect(text).toBe(lines.join(''));
});
