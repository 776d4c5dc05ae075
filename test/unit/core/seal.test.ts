import { describe, expect, it } from 'vitest';
import type { ApprovedRecord } from '../../../src/contract/records.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { artifactOf, draftOf, offline, openBook, openParts, tempDir } from './support.ts';

/** An artifact that is expected to run, one field of which is then changed by somebody with a text editor. */
async function blockedAfter(change: (artifact: ApprovedRecord) => Partial<ApprovedRecord>) {
  const parts = await openParts(await tempDir());
  const { artifacts } = await openBook(parts);
  const artifact = artifactOf(draftOf(1, { content: 'c' }), parts.ledger, {
    shown_digest: 'x',
    expires_at: '2030-01-01T00:00:00.000Z',
  });
  expect(artifacts.blocked(artifact)).toBeNull();
  return artifacts.blocked({ ...artifact, ...change(artifact) });
}

describe('an artifact cannot run', () => {
  const changes: [string, (artifact: ApprovedRecord) => Partial<ApprovedRecord>][] = [
    ['its prompt was changed', () => ({ prompt: 'another' })],
    ['its content was changed', () => ({ content: 'another' })],
    ['its context was changed', () => ({ context: { more: 1 } })],
    ['its steps were changed', () => ({ steps: [{ id: 'x', kind: 'prompt', text: 'y' }] })],
    ['its provider was changed', () => ({ provider_resolved: { ...offline, model: 'n' } })],
    ['its provider was taken away', () => ({ provider_resolved: null })],
    [
      'content and digest were changed together',
      (artifact) => ({
        content: 'new',
        digest: digestOf({ ...artifact, content: 'new' }, artifact.provider_resolved),
      }),
    ],
    ['the time of its approval was changed', () => ({ approved_at: '2020-01-01T00:00:00.000Z' })],
    ['its approver was changed', () => ({ approved_by: 'admin:111' })],
    ['its id was changed', () => ({ id: 'a_1_abcdef' })],
    ['its draft was changed', () => ({ draft_id: 'd_1_abcdef' })],
    ['its expiry was put off', () => ({ expires_at: '2040-01-01T00:00:00.000Z' })],
    ['its expiry was taken away', () => ({ expires_at: null })],
    ['what was shown was changed', () => ({ shown_digest: null })],
    ['the key id was changed', () => ({ key_id: '0123456789abcdef' })],
    ['the name of the provider was changed', () => ({ provider: 'other' })],
    ['the seal was cut', (artifact) => ({ seal: artifact.seal?.slice(0, -1) ?? '' })],
    ['the seal is empty', () => ({ seal: '' })],
    ['it has no seal', () => ({ seal: null })],
    ['it has no digest', () => ({ digest: null })],
  ];
  it.each(changes)('when %s', async (_what, change) => {
    expect((await blockedAfter(change))?.code).toBe('approval_invalid');
  });

  it('although it is sealed, when a step is none that can be carried out', async () => {
    const parts = await openParts(await tempDir());
    const { artifacts } = await openBook(parts);
    const steps = [{ id: 's', kind: 'command' as const, argv: ['/bin/true'] }];
    const artifact = artifactOf(draftOf(1, { steps }), parts.ledger, { provider_resolved: null });
    expect(artifacts.blocked(artifact)?.code).toBe('step_unsupported');
    expect(artifacts.show(artifact).runnable).toBe(false);
  });

  it('once it has expired', async () => {
    const parts = await openParts(await tempDir());
    const { artifacts } = await openBook(parts);
    const expires_at = new Date(parts.clock.now() + 60_000).toISOString();
    const artifact = artifactOf(draftOf(1), parts.ledger, { expires_at });
    expect(artifacts.show(artifact)).toMatchObject({ runnable: true, blocked_reason: null });
    parts.clock.time += 60_000;
    expect(artifacts.blocked(artifact)?.code).toBe('approval_expired');
    expect(artifacts.show(artifact).runnable).toBe(false);
  });

  it('with the seal of another ledger', async () => {
    const parts = await openParts(await tempDir());
    const other = await openParts(await tempDir());
    const { artifacts } = await openBook(parts);
    const artifact = artifactOf(draftOf(1), { ...other.ledger, keyId: parts.ledger.keyId });
    expect(artifacts.blocked(artifact)?.code).toBe('approval_invalid');
  });
});
