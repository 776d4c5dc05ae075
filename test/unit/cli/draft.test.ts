import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { joinParts, splitParts } from '../../../src/cli/editor.ts';
import { gimo, type Options, workspace } from './gimo.ts';
import { draft, draftId } from './records.ts';
import { type Reply, refuse, startWire, type Wire } from './wire.ts';

const dir = mkdtempSync(join(tmpdir(), 'gimo-draft-'));
let wire: Wire;
let put: Reply;
beforeEach(async () => {
  put = { body: draft() };
  wire = await startWire({
    'POST /ops/drafts': () => ({ status: 201, body: draft() }),
    'POST /ops/generate': () => put,
    [`GET /ops/drafts/${draftId}`]: () => ({ body: draft(), headers: { etag: '"v1"' } }),
    [`PUT /ops/drafts/${draftId}`]: () => put,
    [`POST /ops/drafts/${draftId}/reject`]: () => ({ body: draft({ status: 'rejected' }) }),
  });
});
afterEach(() => wire.close());
const sent = (method: string) => wire.seen.filter((one) => one.method === method);
const call = (args: string[], options: Options = {}) => gimo(args, { url: wire.url, ...options });

describe('draft new', () => {
  test('sends prompt, content and context', async () => {
    const { code, out } = await call([
      ...['draft', 'new', 'Do it', '--content', 'thus', '--context', '{"a":[1]}'],
    ]);
    expect(code).toBe(0);
    expect(sent('POST')[0]?.body).toEqual({
      prompt: 'Do it',
      content: 'thus',
      context: { a: [1] },
    });
    expect(out).toContain(`gimo approve ${draftId}`);
  });
  test('reads the prompt from the standard input and the content from a file, byte for byte', async () => {
    writeFileSync(join(dir, 'plan.md'), '\ufeffa\r\nb\n');
    const args = ['draft', 'new', '-', '--file', 'plan.md', '--json', '--root', workspace];
    const { code, out } = await call(args, { stdin: 'Do\nit\n', cwd: dir });
    expect(code).toBe(0);
    expect(sent('POST')[0]?.body).toEqual({ prompt: 'Do\nit', content: '\ufeffa\r\nb\n' });
    expect(JSON.parse(out)).toEqual(draft());
  });
  test('without a prompt, with odd options or a file that is not there is a usage error', async () => {
    for (const args of [
      [],
      ['-'],
      ['x', '--context', '[1]'],
      ['x', '--context', '{'],
      ['x', '--content', 'a', '--file', 'b'],
      ['x', '--file', 'gone.md'],
      ['x', '--odd'],
      ['x', 'y'],
    ])
      expect([args, (await call(['draft', 'new', ...args])).code]).toEqual([args, 2]);
    expect(wire.all).toEqual([]);
  });
});

describe('draft edit', () => {
  test('sends what changes, with the entity tag that it read', async () => {
    const { code } = await call(['draft', 'edit', draftId, '--content', 'new']);
    expect(code).toBe(0);
    expect(sent('PUT')[0]).toMatchObject({ ifMatch: '"v1"', body: { content: 'new' } });
  });

  /** An editor that is a script of Node: gets the file's path, changes it. */
  function editor(body: string): Record<string, string> {
    const script = join(dir, 'editor.cjs');
    writeFileSync(script, `const fs = require('fs'); const file = process.argv[2];\n${body}`);
    return { EDITOR: `"${process.execPath}" "${script}"`, PATH: process.env.PATH ?? '' };
  }
  const replace =
    "fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('line two', 'line 2'));";
  /** Reads the file that was kept, and takes it away. */
  function kept(err: string): string {
    const file = /kept in (.+)$/m.exec(err)?.[1] ?? '';
    const text = readFileSync(file, 'utf8');
    rmSync(dirname(file), { recursive: true });
    return text;
  }

  test('opens the editor on prompt and content, and sends only what was changed', async () => {
    const { code } = await call(['draft', 'edit', draftId], { env: editor(replace) });
    expect(code).toBe(0);
    expect(sent('PUT')[0]).toMatchObject({
      ifMatch: '"v1"',
      body: { content: 'line one\nline 2' },
    });
    expect(sent('PUT')[0]?.body).not.toHaveProperty('prompt');
  });
  test('prefers VISUAL, and sends nothing when nothing was changed', async () => {
    const env = { VISUAL: editor('').EDITOR ?? '', EDITOR: 'false' };
    const { code, out } = await call(['draft', 'edit', draftId], { env });
    expect([code, out, sent('PUT')]).toEqual([0, 'Nothing was changed.\n', []]);
  });
  test('tells of a change of somebody else, and keeps the edited text', async () => {
    put = refuse(412, 'stale', 'It changed.');
    const { code, err } = await call(['draft', 'edit', draftId], { env: editor(replace) });
    expect(code).toBe(1);
    expect(err).toContain('changed by somebody else');
    expect(kept(err)).toContain('line 2');
  });
  test('keeps the text when the line between prompt and content is gone', async () => {
    const env = editor("fs.writeFileSync(file, 'all mine');");
    const { code, err } = await call(['draft', 'edit', draftId], { env });
    expect([code, sent('PUT')]).toEqual([2, []]);
    expect(kept(err)).toBe('all mine');
  });
  test('changes nothing when the editor fails, or none is set', async () => {
    const failed = await call(['draft', 'edit', draftId], { env: editor('process.exit(4);') });
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('ended with 4');
    expect(kept(failed.err)).toContain('line two');
    expect((await call(['draft', 'edit', draftId])).code).toBe(2);
    expect(sent('PUT')).toEqual([]);
  });
  test('takes prompt and content out of the text as they went in', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (prompt, content) => {
        const mark = '<!-- gimo 1234 -->';
        expect(splitParts(joinParts({ prompt, content }, mark), mark)).toEqual({ prompt, content });
      }),
    );
  });
});

test('draft show --json prints the record', async () => {
  const { code, out } = await call(['draft', 'show', draftId, '--json']);
  expect([code, JSON.parse(out)]).toEqual([0, draft()]);
});

test('draft show of what is not there ends with 1', async () => {
  const { code, err } = await call(['draft', 'show', 'd_1_abcdef']);
  expect([code, err]).toEqual([1, 'gimo: There is no such thing.\n']);
});

test('reject sends the reason', async () => {
  expect((await call(['reject', draftId, '--reason', 'Too broad'])).code).toBe(0);
  expect(sent('POST')[0]?.body).toEqual({ reason: 'Too broad' });
});

describe('generate', () => {
  test('sends the prompt in the body, and tells the draft', async () => {
    const { code, out } = await call(['generate', 'Plan it']);
    expect([code, sent('POST')[0]?.body]).toEqual([0, { prompt: 'Plan it' }]);
    expect(sent('POST')[0]?.path).toBe('/ops/generate');
    expect(out).toContain(draftId);
  });
  test('ends with 1 when the provider failed, and says why', async () => {
    put = { status: 201, body: draft({ status: 'error', error: 'It timed out.' }) };
    const { code, err } = await call(['generate', 'Plan it']);
    expect(code).toBe(1);
    expect(err).toBe(
      `gimo: The provider gave no proposal: It timed out. Kept as ${draftId}, which cannot be approved.\n`,
    );
  });
  test('at Ctrl-C ends with 130, and says that the server goes on', async () => {
    const signals = new EventEmitter();
    await wire.close();
    wire = await startWire({
      'POST /ops/generate': () => {
        signals.emit('SIGINT');
        return { status: 201, body: draft() };
      },
    });
    const { code, out, err } = await call(['generate', 'Plan it'], { signals });
    expect([code, out]).toEqual([130, '']);
    expect(err).toBe(
      'gimo: No longer waiting; the server goes on, and its draft will wait for you. See: gimo drafts\n',
    );
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });
});
