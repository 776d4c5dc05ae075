import { appendFile, readdir, unlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { openBelow, opened, runId, runOf, tempDir } from './support.ts';

describe('the log of a run', () => {
  const line = (msg: string) => ({ ts: '2026-11-23T03:04:00Z', level: 'INFO', msg });

  test('grows, is read in the order of writing, and is gone when removed', async () => {
    const { store, path } = await opened(await tempDir());
    await Promise.all(
      [1, 2, 3].map((n) => store.runLogs.append(runId(1), [line(`${n}a\u2028`), line(`${n}b\n`)])),
    );
    expect((await store.runLogs.read(runId(1))).map(({ msg }) => msg)).toEqual(
      [1, 2, 3].flatMap((n) => [`${n}a\u2028`, `${n}b\n`]),
    );
    await store.runs.put(runOf(1));
    expect((await store.runs.list({ limit: 10 })).total).toBe(1);
    await store.runLogs.remove(runId(1));
    expect(await store.runLogs.read(runId(1))).toEqual([]);
    expect(await readdir(path('runs', ''))).toEqual([`${runId(1)}.json`]);
    expect(await store.runLogs.read('../x')).toEqual([]);
  });

  test('a torn last line is left out, and cut off before the next one is added', async () => {
    const dir = await tempDir();
    const first = await opened(dir);
    await first.store.runLogs.append(runId(1), [line('whole')]);
    await first.store.close();
    await appendFile(first.path('runs', `${runId(1)}.log.jsonl`), '{"ts":"2026","level":"IN');
    const { store } = await opened(dir);
    expect(await store.runLogs.read(runId(1))).toEqual([line('whole')]);
    await store.runLogs.append(runId(1), [line('next')]);
    expect(await store.runLogs.read(runId(1))).toEqual([line('whole'), line('next')]);
  });

  test('goes on in a new file when somebody deleted it', async () => {
    const { store, path } = await opened(await tempDir());
    await store.runLogs.append(runId(1), [line('one')]);
    await unlink(path('runs', `${runId(1)}.log.jsonl`));
    await store.runLogs.append(runId(1), [line('two')]);
    expect(await store.runLogs.read(runId(1))).toEqual([line('two')]);
  });

  test('leaves no file open behind the end of the store, whenever a line comes', async () => {
    const dir = await tempDir();
    const { store } = await opened(dir);
    const waiting = store.runLogs.append(runId(1), [line('one')]);
    await store.close();
    await waiting;
    await store.runLogs.append(runId(2), [line('two')]);
    expect((await openBelow(dir)) ?? []).toEqual([]);
    expect(await store.runLogs.read(runId(1))).toEqual([line('one')]);
    expect(await store.runLogs.read(runId(2))).toEqual([line('two')]);
  });
});
