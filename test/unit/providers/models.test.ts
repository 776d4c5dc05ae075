import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { EditorModel } from '../../../src/core/editor-model.ts';
import type { ModelRequest, ModelTarget } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';

const facts = {
  overview: async () => ({ branch: 'main', changed: 0, files: 1 }),
  matches: async () => [],
};
const request = (): ModelRequest => ({
  text: 'Say something.',
  audience: 'person',
  signal: new AbortController().signal,
});
const target: ModelTarget = {
  name: 'mine',
  type: 'editor',
  model: 'any',
  origin: null,
  base_url: null,
  api_key: null,
};

it('the editor’s model is told to be missing where there is no editor', async () => {
  await expect(createModels({ facts }).ask(target, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: expect.stringContaining('runs without an editor'),
  });
});

const answering = (text: string): EditorModel => ({
  ask: async () => ({ text }),
  check: async () => ({ text }),
});

it('the editor’s model gets its name and the request, and is held to no shape', async () => {
  const pieces: string[] = [];
  const editor: EditorModel = {
    ...answering(''),
    async ask(model, { text, audience, onText }) {
      onText('piece');
      return { text: `${model}, ${audience}: ${text}` };
    },
  };
  const shape = { name: 'steps', schema: {} };
  const onText = (piece: string) => pieces.push(piece);
  expect(
    await createModels({ facts, editor }).ask(target, { ...request(), shape, onText }),
  ).toEqual({ text: 'any, person: Say something.', usage: null, shaped: false });
  expect(pieces).toEqual(['piece']);
});

it.each([
  [{ problem: 'It was not allowed.' }, /^It was not allowed\.$/],
  [{ text: ' ' }, /empty answer/],
])('what the editor’s model could not do is a provider_error: %j', async (answer, words) => {
  const editor: EditorModel = { ...answering(''), ask: async () => answer };
  await expect(createModels({ facts, editor }).ask(target, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: expect.stringMatching(words),
  });
});

it.each([
  ['at all', 'firstByteMs', []],
  ['any more', 'idleMs', ['Once ']],
] as const)('the editor’s model is given up if it says nothing %s', async (_how, which, said) => {
  const editor: EditorModel = {
    ...answering(''),
    ask: (_model, { signal, onText }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        for (const piece of said) onText(piece);
      }),
  };
  const models = createModels({ facts, editor, timeouts: { [which]: 10 } });
  await expect(models.ask(target, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: "The editor's model said nothing for 0.01 s. Try again.",
  });
});

it('an abort reaches the editor’s model, and its reason comes back', async () => {
  const stop = new AbortController();
  const reason = new Error('cancelled');
  const editor: EditorModel = {
    ...answering(''),
    ask: (_model, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        stop.abort(reason);
      }),
  };
  const asked = createModels({ facts, editor }).ask(target, { ...request(), signal: stop.signal });
  await expect(asked).rejects.toBe(reason);
});

it('a base URL that cannot be used is a provider_error when it is asked', async () => {
  const wrong = { ...target, type: 'openai_compat' as const, base_url: 'ftp://x' };
  await expect(createModels({ facts }).ask(wrong, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: expect.stringContaining('http://'),
  });
});

it('the SDK is not loaded before a model is asked', async () => {
  const entry = new URL('../../../src/providers/models.ts', import.meta.url).href;
  const origin = 'http://127.0.0.1:9';
  const asked = { ...target, type: 'openai_compat', base_url: origin, origin };
  const script = `
    import { registerHooks } from 'node:module';
    let loaded = 0;
    registerHooks({
      resolve(name, context, next) {
        const found = next(name, context);
        if (found.url.includes('/node_modules/openai/')) loaded += 1;
        return found;
      },
    });
    const { createModels } = await import(${JSON.stringify(entry)});
    const models = createModels({ facts: {} });
    const before = loaded;
    const request = { text: 'x', audience: 'person', signal: new AbortController().signal };
    await models.ask(${JSON.stringify(asked)}, request).catch(() => null);
    console.log(JSON.stringify({ before, after: loaded > 0 }));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  expect(JSON.parse(stdout)).toEqual({ before: 0, after: true });
});
