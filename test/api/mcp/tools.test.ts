import { describe, expect, it } from 'vitest';
import { mayCall, roles } from '../../../src/contract/operation.ts';
import { type Operation, opIds, table } from '../../../src/contract/operations.ts';
import { tokenRoles } from '../../../src/core/principals.ts';
import { allTools, mayBeTool } from '../../../src/http/mcp-tools.ts';
import { startServer } from '../harness.ts';
import { allow, commit, git, writeFiles } from '../repository/support.ts';
import { approve, approveAndRun, whenEnded } from '../runs/support.ts';
import { auditOf, newDraft } from '../wire/support.ts';
import { connect, done, textOf, versions } from './support.ts';

/* By hand from API.md, "Tools of /mcp". */
const reading = [
  ...['get_approved', 'get_draft', 'get_plan', 'get_run', 'get_run_log', 'get_status'],
  ...['list_approved', 'list_drafts', 'list_runs', 'read_diff', 'read_file', 'read_tree', 'search'],
];
const proposing = ['create_draft', 'generate_draft'];
const running = ['cancel_run', 'create_run'];
const expected = {
  actions: reading,
  agent: [...reading, ...proposing],
  operator: [...reading, ...running],
  admin: [...reading, ...proposing, ...running],
};

describe('what may be a tool', () => {
  it('is a closed list, whatever the rows of the table say', () => {
    const could = opIds.filter((id) => mayBeTool(id, { ...table[id], mcp: true }));
    const changing = could.filter((id) => table[id].effect !== 'read');
    expect(changing.sort()).toEqual(['cancelRun', 'createDraft', 'createRun', 'generateDraft']);
    for (const id of could) {
      const everybody = roles.filter((role) => mayCall(role, table[id]));
      // What only some may read (settings, keys, the audit) is no tool.
      if (table[id].effect === 'read') expect(everybody).toEqual([...roles]);
    }
    for (const id of opIds) expect(mayBeTool(id, { ...table[id], mcp: false })).toBe(false);
  });

  it('is what the rows offer: none is offered in vain', () => {
    const offered = opIds.filter((id) => table[id].mcp).sort();
    expect([...allTools().values()].map(({ id }) => id).sort()).toEqual(offered);
  });
});

describe.each(versions)('tools for a client of %s', (version) => {
  it.each(tokenRoles)('%s sees what it may call, and nothing else', async (role) => {
    const server = await startServer();
    const { tools } = await (await connect(server, role, version)).listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([...expected[role]].sort());
  });

  it('tell what they are for, what they take, and what they do', async () => {
    const server = await startServer();
    const { tools } = await (await connect(server, 'admin', version)).listTools();
    for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
      const operation: Operation = table[allTools().get(name)?.id ?? 'getStatus'];
      expect(description).toBe(operation.summary);
      expect(title).toMatch(/^[A-Z][a-z ]+$/);
      expect(inputSchema.type).toBe('object');
      const fields = Object.keys(Object(inputSchema.properties));
      expect(fields.sort()).toEqual(Object.keys(operation.input.shape).sort());
      expect(outputSchema === undefined, name).toBe(operation.text === true);
      expect(annotations?.readOnlyHint, name).toBe(reading.includes(name));
      expect(annotations?.destructiveHint, name).toBe(running.includes(name));
      expect(annotations?.idempotentHint, name).toBe([...reading, 'cancel_run'].includes(name));
    }
    expect(JSON.stringify(tools).length).toBeLessThan(30_000);
  });

  it('carry out the main job, with a person in between', async () => {
    const server = await startServer();
    const agent = await connect(server, 'agent', version);
    const made = await done(agent, 'create_draft', { prompt: 'Rename it', content: 'How.' });
    expect(made).toMatchObject({ status: 'draft', source: 'mcp', approved_id: null });
    const { approved } = Object(
      (await server.request('POST', `/ops/drafts/${made.id}/approve`, { role: 'operator' })).body,
    );
    const seen = await done(agent, 'get_draft', { draft_id: made.id });
    expect(seen).toMatchObject({ status: 'approved', approved_id: approved.id, content: 'How.' });

    const operator = await connect(server, 'operator', version);
    const run = await done(operator, 'create_run', { approved_id: approved.id });
    expect(Object.keys(run)).not.toContain('log');
    await whenEnded(server, String(run.id));
    const log = await done(agent, 'get_run_log', { run_id: run.id });
    expect(log).toMatchObject({ done: true, next: Object(log.entries).length });
    expect(await done(agent, 'get_run', { run_id: run.id })).toMatchObject({ status: 'done' });
    const over = await operator.callTool({ name: 'cancel_run', arguments: { run_id: run.id } });
    expect(over.isError).toBe(true);
    expect(textOf(over)).toMatch(/^code: conflict_state$/m);

    const entries = (await auditOf(server)).filter(({ operation }) => operation === 'createDraft');
    expect(entries.map(({ actor }) => actor.split(':')[0])).toEqual(['agent', 'agent']);
  });

  it('read and list', async () => {
    const server = await startServer();
    await writeFiles(server.root, { 'docs/a.md': 'one\ntwo words\n', 'b.txt': 'hidden\n' });
    await git(server.root, 'init', '--quiet', '--initial-branch=main');
    await commit(server.root, 'first');
    await writeFiles(server.root, { 'docs/a.md': 'one\nthree words\n' });
    await commit(server.root, 'second');
    await allow(server, 'docs');
    const { approved } = await approve(server);
    const client = await connect(server, 'actions', version);

    expect(await done(client, 'get_status')).toMatchObject({ version: '0.0.0-test' });
    expect(await done(client, 'list_drafts')).toMatchObject({ total: 1, next_cursor: null });
    expect(await done(client, 'list_approved')).toMatchObject({ total: 1 });
    expect(await done(client, 'get_approved', { approved_id: approved.id })).toMatchObject({
      runnable: true,
    });
    expect(await done(client, 'list_runs')).toEqual({ items: [], total: 0, next_cursor: null });
    expect(await done(client, 'read_tree')).toEqual({ files: ['docs/a.md'], truncated: false });
    expect(await done(client, 'search', { q: 'words' })).toMatchObject({
      results: [{ file: 'docs/a.md', line: 2 }],
    });
    const file = await client.callTool({ name: 'read_file', arguments: { path: 'docs/a.md' } });
    expect(textOf(file)).toBe('one\nthree words\n');
    const diff = await client.callTool({ name: 'read_diff', arguments: { base: 'HEAD~1' } });
    expect(textOf(diff)).toContain('+three words');

    const hidden = await client.callTool({ name: 'read_file', arguments: { path: 'b.txt' } });
    expect(hidden.isError).toBe(true);
    expect(textOf(hidden)).toMatch(/^code: path_refused$/m);
    const plan = await client.callTool({ name: 'get_plan', arguments: {} });
    expect(textOf(plan)).toMatch(/^code: not_found$/m);
  });

  it('generate, and cancel', async () => {
    const server = await startServer();
    const admin = await connect(server, 'admin', version);
    const draft = await done(admin, 'generate_draft', { prompt: 'Propose something' });
    expect(draft).toMatchObject({ status: 'draft' });
    expect(Object.keys(draft)).not.toContain('content');
    expect((await done(admin, 'get_draft', { draft_id: draft.id })).content).toBeTruthy();
    const steps = [{ id: 'g', kind: 'gate', title: 'Wait' }];
    const { approved } = await approve(server, { steps });
    const run = await done(admin, 'create_run', { approved_id: approved.id });
    const cancelled = await done(admin, 'cancel_run', { run_id: run.id });
    expect(cancelled.id).toBe(run.id);
    expect((await whenEnded(server, String(run.id))).status).toBe('cancelled');
  });

  it('do not make a second draft for a key that they know', async () => {
    const server = await startServer();
    const client = await connect(server, 'agent', version);
    const asked = { prompt: 'Once', idempotency_key: 'k1' };
    const first = await done(client, 'create_draft', asked);
    expect((await done(client, 'create_draft', asked)).id).toBe(first.id);
    expect((await done(client, 'list_drafts')).total).toBe(1);
  });
});

describe.each(versions)('a refusal for a client of %s', (version) => {
  it('by role is the answer of the tool, with its code', async () => {
    const server = await startServer();
    const run = await approveAndRun(server);
    const calls: Record<string, Record<string, unknown>> = {
      create_draft: { prompt: 'x' },
      generate_draft: { prompt: 'x' },
      create_run: { approved_id: run.approved_id },
      cancel_run: { run_id: run.id },
    };
    for (const role of tokenRoles) {
      const client = await connect(server, role, version);
      for (const [name, args] of Object.entries(calls)) {
        if (expected[role].includes(name)) continue;
        const result = await client.callTool({ name, arguments: args });
        expect(result.isError, `${role} ${name}`).toBe(true);
        expect(textOf(result)).toMatch(/^code: role_required$/m);
      }
    }
    expect((await done(await connect(server, 'actions', version), 'list_runs')).total).toBe(1);
  });

  it('of what is no tool is an error of the protocol, whoever asks', async () => {
    const server = await startServer();
    const client = await connect(server, 'admin', version);
    const names = opIds
      .filter((id) => !table[id].mcp)
      .flatMap((id) => [id, id.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]);
    expect(names).toContain('approve_draft');
    for (const name of [...names, '', '__proto__', 'constructor'])
      await expect(client.callTool({ name, arguments: {} }), name).rejects.toMatchObject({
        code: -32602,
      });
  });

  it('of what does not fit says what does not, without an echo', async () => {
    const server = await startServer();
    const client = await connect(server, 'agent', version);
    const result = await client.callTool({
      name: 'create_draft',
      arguments: { prompt: '', context: 'not-an-object-4711' },
    });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^- prompt: /m);
    expect(textOf(result)).toMatch(/^- context: /m);
    expect(textOf(result)).toMatch(/^code: validation_error$/m);
    expect(textOf(result)).not.toContain('4711');
  });

  it('of a draft id as an approved one: a draft never runs', async () => {
    const server = await startServer();
    const { id } = await newDraft(server);
    const client = await connect(server, 'admin', version);
    const result = await client.callTool({ name: 'create_run', arguments: { approved_id: id } });
    expect(textOf(result)).toMatch(/^code: draft_id_not_runnable$/m);
  });
});

it('an operator generates where the configuration lets them', async () => {
  const server = await startServer();
  const body = { operator_can_generate: true };
  await server.request('PUT', '/ops/config', { role: 'admin', body });
  const client = await connect(server, 'operator');
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('generate_draft');
  expect(await done(client, 'generate_draft', { prompt: 'Yes' })).toMatchObject({
    source: 'generate',
  });
});
