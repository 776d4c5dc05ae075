import { chmod, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { behave } from '../../fixtures/model-server.ts';
import { startServer } from '../harness.ts';
import { whenEnded } from '../runs/support.ts';
import { draftOf, edit, promptOf, setUp, sha256, write } from './generating.ts';
import { expectError } from './support.ts';

describe('what a model is asked', () => {
  it('holds the task, the context, and every file that clients may read, and no other', async () => {
    const { models, generate } = await setUp(
      {
        'src/a.ts': 'const answer = 42;\n',
        'src/.env': 'KEY=in-an-environment-file\n',
        'secret.txt': 'not on the list\n',
        'node_modules/x/index.js': 'a dependency\n',
        'notes/b.md': 'listed by itself\n',
        'notes/c.md': 'not listed\n',
      },
      ['src', 'notes/b.md'],
    );
    models.script(behave.steps({ id: 'look', kind: 'gate', title: null }));
    await generate({ prompt: 'Say the answer', context: { why: 'because-of-this' } });
    const prompt = promptOf(models);
    for (const there of ['Say the answer', 'because-of-this', 'const answer = 42;', 'listed by i'])
      expect(prompt).toContain(there);
    for (const not of ['in-an-environment', 'not on the list', 'a dependency', 'not listed'])
      expect(prompt).not.toContain(not);
    expect(prompt).toContain('No program is allowed');
    expect(models.requests[0]?.body).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { strict: true } },
    });
  });

  it('shows no secret', async () => {
    const { models, server, generate } = await setUp({ 'a.txt': '' }, ['a.txt']);
    const token = server.host.token('admin');
    await write(server, { 'a.txt': `one ${token}\npassword = hunter2-hunter2\n` });
    models.script(behave.steps({ id: 'look', kind: 'gate', title: null }));
    await generate();
    expect(promptOf(models)).toContain('one [REDACTED]\npassword = [REDACTED]\n');
  });

  it('shows nothing of an entry that has expired', async () => {
    const { models, server, generate, put } = await setUp({ 'a.txt': 'once readable\n' });
    const expires_at = new Date(Date.now() - 1000).toISOString();
    await put('/ui/allowlist', { paths: [{ path: 'a.txt', expires_at }] });
    models.script(behave.steps(edit('a.txt', 'x')));
    const draft = await generate();
    expect(promptOf(models)).not.toContain('once readable');
    expect(draft).toMatchObject({ status: 'error', steps: null });
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('shows everything that is not denied where no allowlist is required', async () => {
    const env = { ORCH_ALLOWLIST_REQUIRE: 'false' };
    const { models, generate } = await setUp({ 'a.txt': 'free\n', id_rsa: 'kept\n' }, [], { env });
    models.script(behave.steps(edit('a.txt', 'x')));
    expect(await generate()).toMatchObject({ status: 'draft' });
    expect(promptOf(models)).toContain('free\n');
    expect(promptOf(models)).not.toContain('kept\n');
  });

  it('names the programs of the allowlist, and a command gets its real path', async () => {
    const { models, server, generate, put } = await setUp();
    const bin = await realpath(dirname(server.root));
    const program = join(bin, 'tool');
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    await put('/ops/config', { command_allowlist: [{ program, args_prefix: ['run'] }] });
    models.script(behave.steps({ id: 'c', kind: 'command', argv: [program, 'run', 'it'] }));
    const draft = await generate();
    expect(promptOf(models)).toContain(JSON.stringify([program, 'run']));
    expect(draft.steps).toEqual([{ id: 'c', kind: 'command', argv: [program, 'run', 'it'] }]);
  });

  it('is counted in the log, as the provider tells it', async () => {
    const { models, server, generate } = await setUp();
    models.script(behave.usage('{"steps":[{"id":"g","kind":"gate"}]}', 700, 30));
    await generate();
    const counts = { prompt_tokens: 700, completion_tokens: 30 };
    expect(server.lines.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining(counts),
    );
  });

  it('is the prompt alone for the offline provider, which answers in words', async () => {
    const server = await startServer();
    const body = { prompt: 'Tidy up', steps: true };
    const draft = draftOf(await server.request('POST', '/ops/generate', { role: 'admin', body }));
    expect(draft).toMatchObject({ status: 'draft', steps: null });
    expect(draft.content).toContain('> Tidy up');
    expect(draft.content).not.toContain('JSON');
  });
});

describe('steps that a model proposes', () => {
  it('become a draft with the hashes of the files that it was shown', async () => {
    const old = '\u{feff}one\r\ntwo\r\n';
    const { models, generate } = await setUp({ 'src/a.ts': old, 'src/b.ts': 'b' }, ['src']);
    const changes = [
      { path: 'src/a.ts', text: 'one\nthree' },
      { path: './src/b.ts', text: null },
      { path: 'src/new.ts', text: 'new\n' },
    ];
    models.script(behave.steps({ id: 'e', kind: 'edit', title: 'Do it', changes }));
    const draft = await generate();
    expect(draft).toMatchObject({
      status: 'draft',
      source: 'generate',
      content: null,
      error: null,
    });
    expect(draft.steps).toEqual([
      {
        ...{ id: 'e', kind: 'edit', title: 'Do it' },
        changes: [
          { path: 'src/a.ts', base_sha256: sha256(old), text: '\u{feff}one\r\nthree\r\n' },
          { path: 'src/b.ts', base_sha256: sha256('b'), text: null },
          { path: 'src/new.ts', base_sha256: null, text: 'new\n' },
        ],
      },
    ]);
    expect(draft.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('change what the model saw, though the file changed while it was answering', async () => {
    const { models, server, generate } = await setUp({ 'a.txt': 'old\n' }, ['a.txt']);
    const go = Promise.withResolvers<void>();
    models.script({ ...behave.steps(edit('a.txt', 'new\n')), gate: go.promise });
    const asked = generate();
    await models.waitForRequest();
    await write(server, { 'a.txt': 'other\n' });
    go.resolve();
    expect((await asked).steps).toMatchObject([{ changes: [{ base_sha256: sha256('old\n') }] }]);
  });

  it('are carried out once a person has approved them', async () => {
    const { models, server, generate } = await setUp({ 'a.txt': 'old\r\n' }, ['a.txt']);
    models.script(behave.steps(edit('a.txt', 'new\n'), edit('b/c.txt', 'made\n', 'second')));
    const { id, digest } = await generate();
    const said = await server.request('POST', `/ops/drafts/${id}/approve?auto_run=true`, {
      ...{ role: 'operator', body: { digest } },
    });
    expect(said.status, said.text).toBe(200);
    const run = await whenEnded(server, String(Object(said.body).run.id));
    expect([run.status, run.error]).toEqual(['done', null]);
    expect(await readFile(join(server.root, 'a.txt'), 'utf8')).toBe('new\r\n');
    expect(await readFile(join(server.root, 'b/c.txt'), 'utf8')).toBe('made\n');
  });

  it('are found in a fenced block of a model that is not held to a form', async () => {
    const { models, generate } = await setUp();
    const json = JSON.stringify({ steps: [edit('new.txt', 'x\n')] });
    models.script(behave.formless(), behave.words(`Here:\n\`\`\`json\n${json}\n\`\`\`\n`));
    const draft = await generate();
    expect(draft).toMatchObject({ status: 'draft', content: 'Here:' });
    expect(draft.steps).toMatchObject([{ kind: 'edit', changes: [{ base_sha256: null }] }]);
  });

  it('are none where such a model answers in words: those become the draft', async () => {
    const { models, generate } = await setUp();
    models.script(behave.formless(), behave.words('First this, then that.'));
    const draft = await generate();
    expect(draft).toMatchObject({
      status: 'draft',
      content: 'First this, then that.',
      steps: null,
    });
  });
});

describe('an answer that does not fit makes a draft that can be read and never approved', () => {
  const gate = (id: string) => ({ id, kind: 'gate', title: null });
  it.each([
    ['is in words', 'I would rather not.', 'not JSON'],
    ['is cut off', '{"steps": [{"id": "a", "ki', 'not JSON'],
    ['has another form', '{"plan": []}', 'form of steps'],
    ['has a step of another kind', JSON.stringify({ steps: [{ id: 'a', kind: 'shell' }] }), 'kind'],
    ['has no step', '{"steps": []}', 'form of steps'],
    [
      'has 10,000 steps',
      JSON.stringify({ steps: Array.from({ length: 10_000 }, (_, n) => gate(`${n}`)) }),
      '100',
    ],
    ['has two steps with one id', JSON.stringify({ steps: [gate('a'), gate('a')] }), 'same id'],
    [
      'changes a file twice in a step',
      JSON.stringify({
        steps: [
          {
            ...{ id: 'a', kind: 'edit' },
            changes: [
              { path: 'n.txt', text: '' },
              { path: './n.txt', text: '' },
            ],
          },
        ],
      }),
      'same file twice',
    ],
    ['changes .git', JSON.stringify({ steps: [edit('.git/config', 'x')] }), '.git/config'],
    ['changes our data', JSON.stringify({ steps: [edit('.orch_data/ops/x', 'x')] }), '.orch_data'],
    ['leads out', JSON.stringify({ steps: [edit('../x', 'x')] }), '../x'],
    ['names an absolute path', JSON.stringify({ steps: [edit('/etc/passwd', 'x')] }), 'absolute'],
    ['names a folder', JSON.stringify({ steps: [edit('src', 'x')] }), 'src'],
    [
      'changes what it was not shown',
      JSON.stringify({ steps: [edit('b.txt', 'x')] }),
      'not been sh',
    ],
    ['deletes what is not there', JSON.stringify({ steps: [edit('c.txt', null)] }), 'not exist'],
    ['holds a null character', '{"steps":[{"id":"a\\u0000","kind":"gate"}]}', 'null character'],
  ])('one that %s', async (_name, answer, why) => {
    const files = { 'src/a.ts': 'a', 'b.txt': 'there' };
    const { models, server, generate } = await setUp(files, ['src']);
    models.script(behave.words(answer));
    const draft = await generate();
    expect(draft).toMatchObject({ status: 'error', steps: null });
    expect(draft.content?.slice(0, 1000)).toBe(answer.slice(0, 1000));
    expect(draft.error).toContain(why);
    const said = await server.request('POST', `/ops/drafts/${draft.id}/approve`, {
      ...{ role: 'admin', body: { digest: draft.digest ?? undefined } },
    });
    expectError(said, 'conflict_state');
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('one that is larger than anybody reads', async () => {
    const { models, server, generate } = await setUp();
    const large = JSON.stringify({ steps: [edit('a.txt', 'x'.repeat(2 ** 21))] });
    models.script({ kind: 'stream', words: [large] });
    const draft = await generate();
    expect(draft).toMatchObject({ status: 'error', steps: null });
    expect(draft.error).toContain('longer than 1 MiB');
    expect(draft.content?.length).toBeLessThan(300_000);
    models.script(behave.whole('x'.repeat(50 * 2 ** 20)));
    expect(await generate()).toMatchObject({ status: 'error', content: null });
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('one that holds a secret, however it is spelled; of that nothing is kept', async () => {
    const { models, server, generate } = await setUp();
    const token = server.host.token('admin');
    const spelled = [...token]
      .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
    for (const said of [token, spelled]) {
      const text = `{"steps":[{"id":"p","kind":"prompt","title":null,"text":"${said}"}]}`;
      models.script(behave.words(text));
      const draft = await generate();
      expect(draft).toMatchObject({ status: 'error', steps: null, content: null });
      expect(JSON.stringify([draft, server.lines])).not.toContain(token);
    }
  });

  it('one that writes what a redaction left', async () => {
    const { models, generate } = await setUp({ 'a.txt': 'password = hunter2-hunter2\n' }, [
      'a.txt',
    ]);
    models.script(behave.steps(edit('a.txt', 'password = [REDACTED]\n# more\n')));
    const draft = await generate();
    expect(draft).toMatchObject({ status: 'error', steps: null });
    expect(draft.error).toContain('[REDACTED]');
  });
});

describe('an agent', () => {
  const files = { 'open/a.txt': 'a\n', 'closed.txt': 'closed\n' };

  it('gets proposals made from what clients may read', async () => {
    const { models, generate } = await setUp(files, ['open']);
    models.script(behave.steps(edit('open/a.txt', 'b\n'), edit('open/new.txt', '', 'n')));
    expect(await generate({}, 'agent')).toMatchObject({ status: 'draft' });
    expect(promptOf(models)).not.toContain('closed');
  });

  it('learns nothing of any other file, be it there or not', async () => {
    const { models, generate } = await setUp(files, ['open']);
    const tell = async (path: string) => {
      models.script(behave.steps(edit(path, 'b\n')));
      return (await generate({}, 'agent')).error?.replace(path, 'it');
    };
    expect(await tell('closed.txt')).toBe(await tell('nothing.txt'));
  });
});
