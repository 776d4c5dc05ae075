import { afterEach, beforeEach, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { stepsShape } from '../../../src/core/generate-steps.ts';
import { createModels } from '../../../src/providers/models.ts';
import { behave, type ModelServer, startModelServer } from '../../fixtures/model-server.ts';

/* Whether an answer is held to a form, and what happens where a server cannot do that. */

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const shape = stepsShape();
const waits: number[] = [];
const models = createModels({
  facts: {
    overview: async () => ({ branch: null, changed: 0, files: 0 }),
    matches: async () => [],
  },
  timeouts: { wait: async (ms) => void waits.push(ms) },
});
const ask = (more: object = { shape }) =>
  models.ask(
    {
      ...{ name: 'local', type: 'openai_compat', model: 'm', api_key: null },
      ...{ base_url: server.url, origin: server.origin },
    },
    {
      ...{ text: 'Propose.', audience: 'person', signal: new AbortController().signal },
      ...more,
    },
  );
const sent = () => server.requests.map(({ body }) => Object(body).response_format);

it('an answer is held to the form that was asked for', async () => {
  server.script(behave.steps());
  expect(await ask()).toMatchObject({ text: '{"steps":[]}', shaped: true });
  expect(sent()).toEqual([{ type: 'json_schema', json_schema: { ...shape, strict: true } }]);
});

it('no form is sent where none was asked for, and nothing is said of it', async () => {
  expect(await ask({})).not.toHaveProperty('shaped');
  expect(sent()).toEqual([undefined]);
});

it.each([
  ['names the parameter', behave.formless()],
  ['calls it otherwise', behave.status(400, 'This model does not support response format `x`.')],
  ['dislikes the schema', behave.status(400, 'Unknown name "additionalProperties" at schema.')],
  ['checks its input strictly', behave.status(422, 'body.response_format: extra field')],
])('a server that %s is asked for text', async (_name, refusal) => {
  server.script(refusal, behave.words('In words.'));
  waits.length = 0;
  expect(await ask()).toMatchObject({ text: 'In words.', shaped: false });
  expect(sent()).toEqual([expect.anything(), undefined]);
  expect(waits).toEqual([]);
});

it('it is tried again with the next question', async () => {
  server.script(behave.formless(), behave.words('In words.'), behave.steps());
  await ask();
  expect(await ask()).toMatchObject({ shaped: true });
});

it('without the form a server is asked again as often as with it', async () => {
  const failing = behave.status(503);
  server.script(failing, behave.formless(), failing, behave.words('At last.'));
  expect(await ask()).toMatchObject({ text: 'At last.', shaped: false });
});

it.each([
  ['another refusal', behave.status(400, 'The context is too long.')],
  ['a key that is wrong', behave.status(401, 'No response_format for you.')],
  ['a failure', { ...behave.formless(), status: 501 }],
])('%s is not taken for one of the form', async (_name, failure) => {
  server.script(failure);
  const error: unknown = await ask().catch((thrown: unknown) => thrown);
  expect(GimoError.is(error, 'provider_error')).toBe(true);
  expect(sent()).not.toContain(undefined);
});

it('a server that refuses both is quoted with what it says last', async () => {
  server.script(behave.formless(), behave.status(400, 'The context is too long.'));
  await expect(ask()).rejects.toThrow(/context is too long/);
  expect(server.requests).toHaveLength(2);
});
