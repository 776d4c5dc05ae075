import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  behave,
  type ModelServer,
  portOfNobody,
  startModelServer,
} from '../../fixtures/model-server.ts';
import { makePlace, type Place, run } from './support.ts';

let dir: string;
let place: Place;
let models: ModelServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-setup-'));
  models = await startModelServer();
  place = await makePlace(dir);
});
afterAll(async () => {
  await place?.server.dispose();
  await models?.close();
  await rm(dir, { recursive: true, force: true });
});

const gimo = (line: string, stdin = '') => run(place, ['gimo', ...line.split(' ')], stdin);
const add = (name: string, url: string) =>
  gimo(`provider add ${name} --type openai_compat --base-url ${url} --model m --use`);

test('a provider that wants a key is given one by the command that it names, and nothing else of it changes', async () => {
  await add('mine', models.url);
  models.script(behave.echoKey(401), behave.echoKey(401), behave.words('Here it is.'));
  const next = 'Set its key with: gimo provider key mine';
  expect((await gimo('provider check')).out).toContain(next);
  const failed = await gimo('generate Anything');
  expect([failed.code, failed.err]).toEqual([1, expect.stringContaining(`\n${next}\n`)]);
  expect(await gimo('provider key mine', 'a-key-from-a-pipe\n')).toMatchObject({
    code: 0,
    err: '',
  });
  expect((await gimo('generate Anything')).code).toBe(0);
  expect(models.requests.at(-1)?.headers.authorization).toBe('Bearer a-key-from-a-pipe');
});

test('where no provider can be reached, what to do next is told, and it works', async () => {
  await add('away', `http://127.0.0.1:${await portOfNobody()}/v1`);
  const { code, err } = await gimo('generate Anything');
  expect(code).toBe(1);
  const [, line = ''] = /or try without one: gimo (.*)\n$/.exec(err) ?? [];
  expect((await gimo(line)).code).toBe(0);
  expect((await gimo('generate Anything')).code).toBe(0);
});

test('who removes a provider removes its key', async () => {
  const secrets = join(place.server.host.ledgerDir, 'secrets');
  const before = await readdir(secrets);
  await gimo('provider add gone --type gemini --model m', 'a-key-to-forget\n');
  expect(await readdir(secrets)).toHaveLength(before.length + 1);
  expect((await gimo('provider remove gone')).code).toBe(0);
  expect(await readdir(secrets)).toEqual(before);
});

test('what is allowed is read by a client until it is taken back', async () => {
  await mkdir(join(place.server.root, 'src'));
  await writeFile(join(place.server.root, 'src/a.ts'), 'a\n');
  const read = async () =>
    (await place.server.request('GET', '/file?path=src/a.ts', { role: 'actions' })).status;
  expect(await read()).toBe(403);
  expect(await gimo('allow ./src/ --for 30m')).toMatchObject({ code: 0, err: '' });
  expect(await read()).toBe(200);
  expect((await gimo('allow')).out).toMatch(/^src +dir +(?:30|29)m /m);
  expect((await gimo('allow nothing')).code).toBe(1);
  expect((await gimo('allow --remove src')).out).toBe('Clients may read nothing.\n');
  expect(await read()).toBe(403);
});
