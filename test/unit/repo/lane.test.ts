import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Job } from '../../../src/repo/jobs.ts';
import { createLane } from '../../../src/repo/lane.ts';
import { createRepoReader } from '../../../src/repo/reader.ts';

function lane() {
  const made = createLane();
  onTestFinished(() => made.close());
  return made;
}
const redact = (text: string, secrets: string[] = []): Job => ({ kind: 'redact', text, secrets });
/** Text that takes long: each of very many secrets is looked for in it. */
const slow = redact(
  'x'.repeat(1_000_000),
  Array.from({ length: 200_000 }, (_, n) => `${'x'.repeat(20)}${n}`),
);

describe('a lane', () => {
  it('does one job after the other', async () => {
    const { ask } = lane();
    const replies = await Promise.all([1, 2, 3].map((n) => ask(redact(`n${n}`), 10_000)));
    expect(replies).toEqual([{ ok: 'n1' }, { ok: 'n2' }, { ok: 'n3' }]);
  });

  it('gives up a job that takes too long, and goes on with the next', async () => {
    const { ask } = lane();
    await ask(redact('warm'), 10_000);
    const [first, second] = await Promise.all([ask(slow, 200), ask(redact('next'), 10_000)]);
    expect(first).toEqual({ refused: 'too_slow' });
    expect(second).toEqual({ ok: 'next' });
  });

  it('refuses what comes when too much waits already', async () => {
    const { ask } = lane();
    const all = await Promise.allSettled(
      Array.from({ length: 80 }, () => ask(redact('x'), 10_000)),
    );
    const refused = all.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBe(80 - 65);
    expect(refused[0]).toMatchObject({ reason: { code: 'rate_limited', retryAfter: 1 } });
  });

  it('answers whoever waits when it is closed', async () => {
    const { ask, close } = createLane();
    const asked = expect(ask(slow, 10_000)).rejects.toMatchObject({ code: 'not_writer' });
    await close();
    await asked;
    await expect(ask(redact('x'), 10)).rejects.toMatchObject({ code: 'not_writer' });
  });
});

describe('a search', () => {
  it('finds its way through five million lines', async () => {
    const root = await mkdtemp(join(tmpdir(), 'gimo-lane-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    await writeFile(join(root, 'a.txt'), `${'\n'.repeat(5_000_000)}needle`);
    const reader = createRepoReader();
    onTestFinished(() => reader.close());
    const find = { text: 'needle', ext: null, most: 50 };
    const { results } = await reader.search({ root, covered: null, secrets: [] }, find);
    expect(results).toEqual([{ file: 'a.txt', line: 5_000_001, content: 'needle' }]);
  });

  it('keeps nobody waiting: other reads are answered while it goes on', async () => {
    const root = await mkdtemp(join(tmpdir(), 'gimo-lane-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const long = `${'-eyJaaaaaaaa'.repeat(350_000)}\nneedle\n`;
    for (let n = 0; n < 20; n += 1) await writeFile(join(root, `${n}.txt`), long);
    const reader = createRepoReader();
    onTestFinished(() => reader.close());
    const scope = { root, covered: null, secrets: [] };
    await reader.kindOf(root, '.');
    let ended = false;
    const searching = reader.search(scope, { text: 'needle', ext: null, most: 50 });
    const over = searching.then(() => {
      ended = true;
    });
    expect(await reader.kindOf(root, '0.txt')).toBe('file');
    expect(ended).toBe(false);
    await over;
    expect((await searching).results[0]).toEqual({ file: '0.txt', line: 2, content: 'needle' });
  });
});
