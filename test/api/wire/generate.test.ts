import { describe, expect, it, onTestFinished } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import { behave, startModelServer } from '../../fixtures/model-server.ts';
import { type Reply, startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError, locsOf } from './support.ts';

const key = 'a-raw-key-0123456789';
const generate = (server: TestServer, body: unknown, query = '') =>
  server.request('POST', `/ops/generate${query}`, { role: 'admin', body });
const draftOf = (reply: Reply) => {
  expect(reply.status, reply.text).toBe(201);
  return Draft.parse(reply.body);
};

/** A server whose active provider is a model server. */
async function withModel(base = '') {
  const models = await startModelServer();
  onTestFinished(() => models.close());
  const server = await startServer();
  const set = (entry: object) =>
    server.request('PUT', '/ops/provider', {
      role: 'admin',
      body: {
        active: 'local',
        providers: {
          local: { type: 'openai_compat', base_url: `${models.url}${base}`, model: 'm', ...entry },
        },
      },
    });
  expect((await set({ api_key: key })).status).toBe(200);
  return { models, server, set };
}

describe('generate, offline', () => {
  it('makes a draft of the prompt in the query, that a person can approve', async () => {
    const server = await startServer();
    const draft = draftOf(await generate(server, undefined, '?prompt=Tidy%20up'));
    expect(draft).toMatchObject({
      prompt: 'Tidy up',
      status: 'draft',
      source: 'generate',
      provider: 'offline',
      error: null,
    });
    expect(draft.content).toBeTruthy();
    const said = await server.request('POST', `/ops/drafts/${draft.id}/approve`, {
      role: 'operator',
      body: { digest: draft.digest },
    });
    expect(said.status).toBe(200);
  });

  it('makes one of the prompt in the body, with its context; the query comes first', async () => {
    const server = await startServer();
    const body = { prompt: 'From the body', context: { why: ['x'] } };
    expect(draftOf(await generate(server, body))).toMatchObject(body);
    const both = draftOf(await generate(server, body, '?prompt=From%20the%20query'));
    expect(both).toMatchObject({ prompt: 'From the query', context: body.context });
  });

  it('answers the same for the same', async () => {
    const server = await startServer();
    const one = draftOf(await generate(server, { prompt: 'Tidy up' }));
    const two = draftOf(await generate(server, { prompt: 'Tidy up' }));
    expect(two.content).toBe(one.content);
  });

  it('takes a prompt of 1 to 8,000 characters, in query and body', async () => {
    const server = await startServer();
    const long = 'x'.repeat(8001);
    expect(locsOf(await generate(server, { prompt: long }))).toEqual([['body', 'prompt']]);
    expect(locsOf(await generate(server, undefined, `?prompt=${long}`))).toEqual([
      ['query', 'prompt'],
    ]);
    expect(locsOf(await generate(server, undefined, '?prompt='))).toEqual([['query', 'prompt']]);
    expect(locsOf(await generate(server, {}))).toEqual([['body', 'prompt']]);
    draftOf(await generate(server, { prompt: long.slice(1) }));
    draftOf(await generate(server, undefined, `?prompt=${long.slice(1)}`));
    const wide = encodeURIComponent('漢'.repeat(8000));
    expect(draftOf(await generate(server, undefined, `?prompt=${wide}`)).prompt).toHaveLength(8000);
  });

  it('makes no steps: it answers the same in words', async () => {
    const server = await startServer();
    const one = draftOf(await generate(server, { prompt: 'Tidy up', steps: true }));
    const two = draftOf(await generate(server, { prompt: 'Tidy up', steps: false }));
    expect(one).toMatchObject({ status: 'draft', steps: null, content: two.content });
  });
});

describe('generate, with a model', () => {
  it('keeps the whole answer, and sends the key as a bearer', async () => {
    const { models, server } = await withModel();
    models.script(behave.words('Do this, then that.'));
    const draft = draftOf(
      await generate(server, { prompt: 'Plan it', context: { why: 'because-of-this' } }),
    );
    expect(draft).toMatchObject({
      content: 'Do this, then that.',
      provider: 'local',
      status: 'draft',
    });
    expect(draft.provider_resolved).toEqual({
      ...{ name: 'local', type: 'openai_compat', origin: models.origin, model: 'm' },
    });
    expect(models.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
    const sent = JSON.stringify(models.requests[0]?.body);
    expect(sent).toContain('Plan it');
    expect(sent).toContain('because-of-this');
  });

  it('keeps the key when what GET showed is PUT again', async () => {
    const { models, server } = await withModel();
    const shown = await server.request('GET', '/ops/provider', { role: 'admin' });
    expect(shown.text).toContain('"api_key":null');
    const again = { role: 'admin', body: shown.body } as const;
    expect((await server.request('PUT', '/ops/provider', again)).status).toBe(200);
    draftOf(await generate(server, { prompt: 'x' }));
    expect(models.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
    const next = await server.restart();
    draftOf(await generate(next, { prompt: 'x' }));
    expect(models.requests[1]?.headers.authorization).toBe(`Bearer ${key}`);
  });

  it('never sends the key to another address', async () => {
    const { server, set } = await withModel();
    const other = await startModelServer();
    onTestFinished(() => other.close());
    await set({ base_url: other.url, api_key: null });
    const draft = draftOf(await generate(server, { prompt: 'x' }));
    expect(draft.status).toBe('error');
    expect(other.requests).toEqual([]);
  });

  it('makes a failure a draft that can be read, holds no key, and is never approved', async () => {
    const { models, server } = await withModel();
    models.script(behave.echoKey());
    const draft = draftOf(await generate(server, { prompt: 'x', context: { kept: true } }));
    expect(draft).toMatchObject({ status: 'error', content: null, context: { kept: true } });
    expect(draft.error?.length).toBeGreaterThan(10);
    expect(JSON.stringify([draft, server.lines, await auditOf(server)])).not.toContain(key);
    for (const [method, more] of [
      ['POST', '/approve'],
      ['POST', '/reject'],
      ['PUT', ''],
    ] as const) {
      const refused = await server.request(method, `/ops/drafts/${draft.id}${more}`, {
        role: 'admin',
        body: {},
      });
      expect(expectError(refused, 'conflict_state').detail).toContain('error');
    }
  });

  it.each([
    ['an answer of another shape', behave.wrongShape()],
    ['a web page', behave.page()],
    ['nothing', behave.empty()],
    ['a refusal', behave.refusal()],
    ['a cut stream', behave.cutMidway()],
    ['half an answer', behave.tooLong()],
  ])('takes %s for a failure, and says what happened', async (_name, behaviour) => {
    const { models, server } = await withModel();
    models.script(behaviour);
    const draft = draftOf(await generate(server, { prompt: 'x' }));
    expect([draft.status, draft.content]).toEqual(['error', null]);
    expect(draft.error?.length).toBeGreaterThan(10);
  });

  it('keeps no answer that holds a secret', async () => {
    const { models, server } = await withModel();
    for (const secret of [key, server.host.token('admin')]) {
      models.script(behave.words(`Use ${secret} for it.`));
      const draft = draftOf(await generate(server, { prompt: 'x' }));
      expect(draft).toMatchObject({ status: 'error', content: null });
      expect(JSON.stringify([draft, server.lines])).not.toContain(secret);
    }
  });

  it.each([
    ['half a surrogate pair', 'cut \ud83d'],
    ['a null character', 'cut \0 here'],
  ])('survives %s in an answer', async (_name, text) => {
    const { models, server } = await withModel();
    models.script(behave.words(text));
    const draft = draftOf(await generate(server, { prompt: 'x' }));
    expect((draft.content ?? '').isWellFormed()).toBe(true);
    expect((await server.request('GET', '/ops/drafts', { role: 'actions' })).status).toBe(200);
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('puts together what a stream has cut in the middle of a character', async () => {
    const { models, server } = await withModel();
    models.script({ kind: 'stream', words: ['\ud83d', '\ude00!'] });
    expect(draftOf(await generate(server, { prompt: 'x' })).content).toBe('😀!');
  });
});
