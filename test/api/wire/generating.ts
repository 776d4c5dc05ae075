import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import { type ModelServer, startModelServer } from '../../fixtures/model-server.ts';
import { type Reply, type StartOptions, startServer, type TestServer } from '../harness.ts';

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
export const draftOf = (reply: Reply) => {
  expect(reply.status, reply.text.slice(0, 500)).toBe(201);
  return Draft.parse(reply.body);
};

/** A server with a model, over a workspace with files of which some may be read. */
export async function setUp(
  files: Record<string, string> = {},
  readable: readonly string[] = [],
  options: StartOptions = {},
) {
  const models = await startModelServer();
  onTestFinished(() => models.close());
  const server = await startServer(options);
  await write(server, files);
  const put = async (path: string, body: object) => {
    const said = await server.request('PUT', path, { role: 'admin', body });
    expect(said.status, said.text).toBe(200);
  };
  const local = { type: 'openai_compat', base_url: models.url, model: 'm' };
  await put('/ops/provider', { active: 'local', providers: { local } });
  if (readable.length > 0)
    await put('/ui/allowlist', { paths: readable.map((path) => ({ path, expires_at: null })) });
  const generate = async (body: object = {}, role: TokenRole = 'admin') =>
    draftOf(
      await server.request('POST', '/ops/generate', {
        ...{ role, body: { prompt: 'Tidy up', steps: true, ...body } },
      }),
    );
  return { models, server, generate, put };
}

export async function write({ root }: Pick<TestServer, 'root'>, files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

export const promptOf = (models: ModelServer) =>
  String(Object(models.requests.at(-1)?.body).messages[0].content);
export const edit = (path: string, text: string | null, id = 'edit') => ({
  ...{ id, kind: 'edit', title: null, changes: [{ path, text }] },
});
