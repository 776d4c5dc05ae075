import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DraftRecord, RunRecord } from '../../../src/contract/records.ts';
import type { Logger } from '../../../src/core/ports.ts';

/** A directory that is deleted when the test has finished. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A claim that is never lost. */
export const open = (): void => undefined;
export const silent: Logger = { log: () => undefined };

export function listeningLogger(): Logger & { messages: string[] } {
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
