import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorStatus } from '../../../src/contract/errors.ts';
import { mayCall, type Role } from '../../../src/contract/operation.ts';
import { type Operation, opIds, table } from '../../../src/contract/operations.ts';
import { raw } from '../../../src/contract/raw.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import { startServer, type TestServer } from '../harness.ts';
import { expectError, locsOf } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return server.dispose;
});

const Described = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  'x-openai-isConsequential': z.boolean().optional(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.string(), required: z.boolean() }))
    .default([]),
  requestBody: z.looseObject({ required: z.boolean() }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ headers: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
const Document = z.looseObject({
  openapi: z.string(),
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(z.object({ url: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Described)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});
type Document = z.infer<typeof Document>;

const roles: Role[] = ['actions', 'agent', 'operator', 'admin', 'editor'];
const tokenRoles: TokenRole[] = ['actions', 'agent', 'operator', 'admin'];
const kinds = [undefined, 'actions'] as const;
const cells = roles.flatMap((role) => kinds.map((kind) => ({ role, kind })));

/** The document as this role gets it: the editor over the direct transport, all others over HTTP. */
async function get(role: Role, kind?: 'actions'): Promise<unknown> {
  if (role === 'editor') {
    const found = await server.host.client.call('getOpenApi', kind ? { for: kind } : {});
    return JSON.parse(JSON.stringify(found));
  }
  const search = kind === undefined ? '' : `?for=${kind}`;
  const reply = await server.request('GET', `/ops/openapi.json${search}`, { role });
  expect(reply.status, reply.text).toBe(200);
  return reply.body;
}
const read = async (role: Role, kind?: 'actions') => Document.parse(await get(role, kind));

const callsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => `${method} ${path} ${told.operationId}`),
  );
const describedIn = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({ path, method, ...told })),
  );

/** Every `$ref` in a JSON value. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
  );
}
const lookUp = (document: unknown, ref: string) =>
  ref
    .slice(2)
    .split('/')
    .reduce((at: unknown, name) => Object(at)[name], document);

describe.each(cells)('the description for $role, for=$kind', ({ role, kind }) => {
  it('is valid OpenAPI 3.1', async () => {
    const document = z.record(z.string(), z.unknown()).parse(await get(role, kind));
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('names every operation that the role may call, and nothing else', async () => {
    const rows = opIds.filter((id) => mayCall(role, table[id]) && (!kind || table[id].actions));
    const expected = rows.map((id) => `${table[id].method} ${table[id].path} ${id}`);
    if (kind === undefined)
      for (const [id, { method, path }] of Object.entries(raw))
        expected.push(`${method} ${path} ${id}`);
    expect(callsOf(await read(role, kind)).sort()).toEqual(expected.sort());
  });

  it('has no reference that leads nowhere, and no schema that nothing refers to', async () => {
    const document = await get(role, kind);
    const refs = refsIn(document);
    expect(refs.filter((ref) => lookUp(document, ref) === undefined)).toEqual([]);
    const names = Object.keys(Document.parse(document).components.schemas);
    const unused = names.filter((name) => !refs.includes(`#/components/schemas/${name}`));
    expect(unused).toEqual([]);
  });

  it('tells statuses that exist, and the one that the operation answers', async () => {
    const known = new Set<number>([304, 400, ...Object.values(errorStatus)]);
    for (const told of describedIn(await read(role, kind))) {
      const statuses = Object.keys(told.responses).map(Number);
      const good = statuses.filter((status) => !known.has(status));
      const row = opIds.find((id) => id === told.operationId);
      const operation: Operation | undefined = row && table[row];
      // A notification of the protocol behind callTools is taken, and not answered.
      const asked = operation?.asks || told.operationId === 'callTools' ? [202] : [];
      expect(good, told.operationId).toEqual([operation?.status ?? 200, ...asked]);
    }
  });
});

describe('what a description says of an operation', () => {
  const find = async (id: string, role: Role = 'admin') => {
    const found = describedIn(await read(role)).find(({ operationId }) => operationId === id);
    if (found === undefined) throw new Error(`${id} is not described`);
    return found;
  };
  const namesIn = (told: Awaited<ReturnType<typeof find>>, place: string) =>
    told.parameters.filter((parameter) => parameter.in === place).map(({ name }) => name);

  it('where each field stands', async () => {
    const approve = await find('approveDraft');
    expect(namesIn(approve, 'path')).toEqual(['draft_id']);
    expect(namesIn(approve, 'query')).toEqual(['auto_run', 'digest', 'shown_digest']);
    expect(namesIn(approve, 'header')).toEqual(['If-Match', 'Idempotency-Key']);
    expect((await find('createDraft')).requestBody?.required).toBe(true);
    expect((await find('listDrafts')).requestBody).toBeUndefined();
  });

  it('which headers come with the answer', async () => {
    const list = (await find('listDrafts')).responses['200']?.headers ?? {};
    expect(Object.keys(list).sort()).toEqual(['Link', 'X-Correlation-ID', 'X-Total-Count']);
    const one = await find('getDraft');
    expect(Object.keys(one.responses['200']?.headers ?? {})).toContain('ETag');
    expect(Object.keys(one.responses)).toContain('304');
  });

  it('the path fields of a row are path parameters, all of them required', async () => {
    for (const told of describedIn(await read('admin'))) {
      const wanted = [...told.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(namesIn(told, 'path'), told.operationId).toEqual(wanted);
      expect(told.parameters.every((one) => one.in !== 'path' || one.required)).toBe(true);
    }
  });
});

describe('a description for operators', () => {
  it('names generate only while the configuration lets them', async () => {
    const calls = async (role: Role) =>
      callsOf(await read(role)).filter((call) => call.endsWith(' generateDraft'));
    const set = (operator_can_generate: boolean) =>
      server.host.client.call('setConfig', { operator_can_generate });
    const told = async () => (await Promise.all(roles.map(calls))).map(({ length }) => length);
    expect(await told()).toEqual([0, 1, 0, 1, 1]);
    await set(true);
    expect(await told()).toEqual([0, 1, 1, 1, 1]);
    await set(false);
    expect(await told()).toEqual([0, 1, 0, 1, 1]);
  });
});

describe('what a ChatGPT Actions client imports', () => {
  it('stays under 100,000 characters, with summaries up to 300', async () => {
    for (const role of tokenRoles) {
      const document = await get(role, 'actions');
      expect(JSON.stringify(document).length).toBeLessThan(100_000);
      for (const { summary } of describedIn(Document.parse(document)))
        expect(summary.length).toBeLessThanOrEqual(300);
    }
  });

  it('names only what its token may call, and cancel where it may', async () => {
    for (const role of tokenRoles)
      for (const { path, method, operationId } of describedIn(await read(role, 'actions'))) {
        const asked = path.replaceAll(/\{\w+\}/g, 'r_1_abcdef');
        const reply = await server.request(method.toUpperCase(), asked, { role });
        expect([401, 403, 405], `${operationId} by ${role}`).not.toContain(reply.status);
      }
    const may = async (role: Role) =>
      describedIn(await read(role, 'actions')).some(
        ({ operationId }) => operationId === 'cancelRun',
      );
    expect(await Promise.all(tokenRoles.map(may))).toEqual([false, false, true, true]);
  });

  it('says of every change that it is consequential, and of no read', async () => {
    for (const told of describedIn(await read('operator', 'actions'))) {
      const row: Operation | undefined = opIds
        .map((id): [string, Operation] => [id, table[id]])
        .find(([id]) => id === told.operationId)?.[1];
      expect(told['x-openai-isConsequential'], told.operationId).toBe(row?.effect !== 'read');
    }
  });

  it('has one place for each name, and no headers to send', async () => {
    for (const told of describedIn(await read('operator', 'actions')))
      for (const { in: place } of told.parameters)
        expect(told.method === 'get' ? ['path', 'query'] : ['path']).toContain(place);
  });

  it('names the address that the server is reached at', async () => {
    expect((await read('actions', 'actions')).servers).toEqual([
      { url: `${server.host.url}/actions` },
    ]);
    let publicUrl: string | null = 'https://gimo.example';
    const tunnelled = await startServer({ publicUrl: () => publicUrl });
    const urls = async () => {
      const path = '/ops/openapi.json?for=actions';
      const reply = await tunnelled.request('GET', path, { role: 'actions' });
      return Document.parse(reply.body).servers.map(({ url }) => url);
    };
    expect(await urls()).toEqual(['https://gimo.example/actions']);
    publicUrl = null;
    expect(await urls()).toEqual([`${tunnelled.host.url}/actions`]);
  });
});

it('a description for anything else is refused', async () => {
  const path = '/ops/openapi.json?for=robots';
  const reply = await server.request('GET', path, { role: 'actions' });
  expectError(reply, 'validation_error');
  expect(locsOf(reply)).toEqual([['query', 'for']]);
});
