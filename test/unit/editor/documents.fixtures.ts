import type { Draft } from '../../../src/contract/operations.ts';
import type { Version } from '../../../src/editor/documents/bases.ts';
import type { Memory } from '../../../src/editor/documents/lastSeen.ts';

export const draftId = 'd_1716972600000_a1b2c3';

export function draftWith(more: Partial<Draft> = {}): Draft {
  return {
    id: draftId,
    prompt: 'Explain the tests',
    context: {},
    provider: null,
    content: 'They start with npm test.',
    status: 'draft',
    error: null,
    created_at: '2024-05-29T08:50:00.000Z',
    steps: null,
    digest: '1'.repeat(64),
    updated_at: null,
    reject_reason: null,
    approved_id: null,
    created_by: null,
    source: null,
    plan_task_id: null,
    provider_resolved: { name: 'offline', type: 'offline', origin: null, model: '' },
    ...more,
  };
}

export function versionWith(etag: string, more: Partial<Draft> = {}): Version {
  return { draft: draftWith(more), etag, mtime: Number(etag.replace(/\D/g, '')) };
}

/** A memory like the editor's: what comes out is what JSON makes of what went in. */
export function memory(): Memory {
  const kept = new Map<string, string>();
  return {
    get(key) {
      const text = kept.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    },
    async update(key, value) {
      kept.set(key, JSON.stringify(value));
    },
  };
}
