import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ErrorBody, type ErrorCode, errorStatus } from '../../../src/contract/errors.ts';
import { Draft } from '../../../src/contract/operations.ts';
import { Approved } from '../../../src/contract/records.ts';
import { AuditEntry } from '../../../src/contract/rows/security.ts';
import type { Reply, TestServer } from '../harness.ts';

/** Creates a draft as admin. */
export async function newDraft(server: TestServer, more: object = {}): Promise<Draft> {
  const body = { prompt: 'Rename the helper', ...more };
  const made = await server.request('POST', '/ops/drafts', { role: 'admin', body });
  expect(made.status, made.text).toBe(201);
  return Draft.parse(made.body);
}

/** Approves a draft as operator. */
export async function approve(server: TestServer, draftId: string): Promise<Approved> {
  const path = `/ops/drafts/${draftId}/approve`;
  const said = await server.request('POST', path, { role: 'operator' });
  expect(said.status, said.text).toBe(200);
  return Approved.parse(Object(said.body).approved);
}

/** Checks that a reply is an error of the one shape, with this code and the status that goes with it. */
export function expectError(reply: Reply, code: ErrorCode): ErrorBody {
  const body = ErrorBody.parse(reply.body);
  expect(body.code, reply.text).toBe(code);
  expect(reply.status).toBe(errorStatus[code]);
  expect(reply.headers['x-correlation-id']).toBe(body.correlation_id);
  expect(Object.keys(body).sort()).toEqual(['code', 'correlation_id', 'detail']);
  return body;
}

/** The `loc` of each thing that did not fit. */
export function locsOf(reply: Reply): (string | number)[][] {
  const { detail } = expectError(reply, 'validation_error');
  return typeof detail === 'string' ? [] : detail.map(({ loc }) => loc);
}

/** Every audit entry on disk, oldest first. */
export async function auditOf(server: TestServer): Promise<AuditEntry[]> {
  const dir = join(server.host.dataDir, 'ops', 'audit');
  const names = (await readdir(dir)).filter((name) => name.endsWith('.jsonl')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => AuditEntry.parse(JSON.parse(line)));
}
