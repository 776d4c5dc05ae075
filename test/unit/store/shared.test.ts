import { describe, expect, test } from 'vitest';
import { createShared } from '../../../src/store/queue.ts';

/** Work that is shared, each piece of which ends when the test says so. */
function shared() {
  const begun: { name: string; end: () => void; fail: (error: Error) => void }[] = [];
  const ask = createShared((name) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    begun.push({ name, end: resolve, fail: reject });
    return promise;
  });
  return { begun, ask };
}
/** Resolves when everything that had only to be passed on has been. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('shared work', () => {
  test('is done twice for ten who ask at once: for the first, and for the nine who came later', async () => {
    const { begun, ask } = shared();
    const done: number[] = [];
    const all = Array.from({ length: 10 }, (_, n) => ask('a').then(() => void done.push(n)));
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await settled();
    expect(done).toEqual([0]);
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    await Promise.all(all);
    expect(begun).toHaveLength(2);
  });

  test('never counts for somebody who asked after it had begun', async () => {
    const { begun, ask } = shared();
    const first = ask('a');
    const second = ask('a');
    begun[0]?.end();
    await first;
    await settled();
    let third = false;
    const late = ask('a').then(() => {
      third = true;
    });
    begun[1]?.end();
    await second;
    await settled();
    expect(third).toBe(false);
    begun[2]?.end();
    await late;
    expect(begun).toHaveLength(3);
  });

  test('that fails fails for those who shared it, and for nobody else', async () => {
    const { begun, ask } = shared();
    const first = ask('a');
    const others = [ask('a'), ask('a')];
    begun[0]?.fail(new Error('one'));
    await expect(first).rejects.toThrow('one');
    await settled();
    const last = ask('a');
    begun[1]?.fail(new Error('two'));
    for (const other of others) await expect(other).rejects.toThrow('two');
    await settled();
    begun[2]?.end();
    await last;
  });

  test('of different names does not wait for each other, and leaves nothing behind', async () => {
    const { begun, ask } = shared();
    const both = [ask('a'), ask('b')];
    expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
    for (const { end } of begun) end();
    await Promise.all(both);
    void ask('a');
    expect(begun).toHaveLength(3);
  });
});
