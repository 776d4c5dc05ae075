import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { ModelRequest, ModelTarget } from '../../../src/core/ports.ts';
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
const editor: ModelTarget = {
  name: 'mine',
  type: 'editor',
  model: 'any',
  origin: null,
  base_url: null,
  api_key: null,
};

it('the editor’s model is told to be missing where there is no editor', async () => {
  await expect(createModels({ facts }).ask(editor, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: expect.stringContaining('runs without an editor'),
  });
});

it('the editor’s model gets the request and the target', async () => {
  const models = createModels({
    facts,
    editor: async ({ text }, { model }) => ({ text: `${model}: ${text}`, usage: null }),
  });
  expect((await models.ask(editor, request())).text).toBe('any: Say something.');
});

it('no kind of model is asked once the signal is aborted', async () => {
  const reason = new Error('stop');
  const models = createModels({ facts, editor: async () => ({ text: 'late', usage: null }) });
  for (const type of ['editor', 'offline', 'openai_compat'] as const)
    await expect(
      models.ask({ ...editor, type }, { ...request(), signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
});

it('a base URL that cannot be used is a provider_error when it is asked', async () => {
  const target = { ...editor, type: 'openai_compat' as const, base_url: 'ftp://x' };
  await expect(createModels({ facts }).ask(target, request())).rejects.toMatchObject({
    code: 'provider_error',
    message: expect.stringContaining('http://'),
  });
});

it('the SDK is not loaded before a model is asked', async () => {
  const entry = new URL('../../../src/providers/models.ts', import.meta.url).href;
  const origin = 'http://127.0.0.1:9';
  const target = { ...editor, type: 'openai_compat', base_url: origin, origin };
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
    await models.ask(${JSON.stringify(target)}, request).catch(() => null);
    console.log(JSON.stringify({ before, after: loaded > 0 }));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  expect(JSON.parse(stdout)).toEqual({ before: 0, after: true });
});
