import { chown, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DraftRecord, RunRecord } from '../../../src/contract/records.ts';
import type { Logger, Records } from '../../../src/core/ports.ts';
import { openStore } from '../../../src/store/store.ts';

/** A directory that is deleted when the test has finished. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A claim that is never lost. */
export const open = (): void => undefined;
export const silent: Logger = { log: () => undefined };

function listeningLogger(): Logger & { messages: string[] } {
  const messages: string[] = [];
  return { messages, log: (_level, message) => void messages.push(message) };
}

export const draftId = (n: number) => `d_${1_795_403_040_000 + n}_00000a`;
export const runId = (n: number) => `r_${1_795_403_040_000 + n}_00000a`;

export function draftOf(n: number, fields: Partial<DraftRecord> = {}): DraftRecord {
  return {
    id: draftId(n),
    prompt: `prompt ${n}`,
    context: {},
    provider: null,
    content: null,
    status: 'draft',
    error: null,
    created_at: '2026-11-23T03:04:00.476641Z',
    steps: null,
    digest: null,
    updated_at: null,
    reject_reason: null,
    approved_id: null,
    created_by: null,
    source: null,
    plan_task_id: null,
    ...fields,
  };
}

export function runOf(n: number, fields: Partial<RunRecord> = {}): RunRecord {
  return {
    id: runId(n),
    approved_id: 'a_1795403041069_383399',
    status: 'pending',
    log: [],
    started_at: null,
    created_at: '2026-11-23T03:04:00.476641Z',
    finished_at: null,
    error: null,
    steps: [],
    actor: null,
    attempt: 0,
    ...fields,
  };
}

/** The error that a promise is rejected with; fails if it is not. */
export async function refusal(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It was expected to be refused.');
}

/** Root may read everything: until the test has finished, the process is nobody, and the directory is nobody's. */
export async function asOrdinaryUser(dir: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const nobody = 65_534;
  await chown(dir, nobody, nobody);
  process.seteuid?.(nobody);
  onTestFinished(() => process.seteuid?.(0));
}

/** A store that is closed when the test has finished. */
export async function opened(dataDir: string, fence = open) {
  const logger = listeningLogger();
  const store = await openStore({ dataDir, fence, logger });
  onTestFinished(() => store.close());
  const path = (folder: string, name: string) => join(dataDir, 'ops', folder, name);
  return { store, path, messages: logger.messages };
}

/** The ids of a list, as it gives them. */
export const ids = async (drafts: Records<DraftRecord>, more: { status?: string[] } = {}) =>
  (await drafts.list({ limit: 1000, ...more })).records.map(({ id }) => id);

/** The files of this process below a directory that are open now; null where the system does not tell. */
export async function openBelow(dir: string): Promise<string[] | null> {
  if (process.platform !== 'linux') return null;
  const found = await Promise.all(
    (await readdir('/proc/self/fd')).map(
      (fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''), // the one that listed them
    ),
  );
  return found.filter((path) => path.startsWith(dir));
}
