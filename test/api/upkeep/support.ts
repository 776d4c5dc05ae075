import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { z } from 'zod';
import { OutsideChange } from '../../../src/contract/rows/upkeep.ts';
import type { TestServer } from '../harness.ts';

const fixture = fileURLToPath(new URL('../../fixtures/upstream-data', import.meta.url));

/** A directory to start a server in, with the data that the Python service left behind. */
export async function importedDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-api-'));
  await mkdir(join(dir, 'work', '.orch_data'), { recursive: true });
  await cp(fixture, join(dir, 'work', '.orch_data', 'ops'), { recursive: true });
  return dir;
}

/** A file of the store. */
export const fileOf = (server: TestServer, ...names: string[]) =>
  join(server.host.dataDir, 'ops', ...names);

/** What waits for a decision, as an operator sees it. */
export async function changesOf(server: TestServer): Promise<OutsideChange[]> {
  const reply = await server.request('GET', '/ops/changes', { role: 'operator' });
  expect(reply.status, reply.text).toBe(200);
  return z.array(OutsideChange).parse(reply.body);
}

/** Decides about a change as admin. */
export const decide = (server: TestServer, what: string, how: 'accept' | 'restore', query = '') =>
  server.request('POST', `/ops/changes/${what}/${how}${query}`, { role: 'admin' });
