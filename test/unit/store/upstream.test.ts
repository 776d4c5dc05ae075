import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/store.ts';
import { open, silent, tempDir } from './support.ts';

const fixture = fileURLToPath(new URL('../../fixtures/upstream-data', import.meta.url));

test('a directory that the Python service wrote opens, and nothing of it is lost or moved', async () => {
  const dataDir = await tempDir();
  await cp(fixture, join(dataDir, 'ops'), { recursive: true });
  const store = await openStore({ dataDir, fence: open, logger: silent });
  onTestFinished(() => store.close());
  const found = {
    drafts: await store.drafts.list({ limit: 1000 }),
    approved: await store.approved.list({ limit: 1000 }),
    runs: await store.runs.list({ limit: 1000 }),
  };
  for (const [folder, page] of Object.entries(found)) {
    const names = (await readdir(join(fixture, folder))).sort().reverse();
    expect(page.records.map(({ id }) => `${id}.json`)).toEqual(names);
    expect(page).toMatchObject({ total: names.length, next: null });
  }
  expect(found.approved.records.every(({ seal }) => seal === null)).toBe(true);
  expect(found.runs.records.every(({ steps }) => steps.length === 0)).toBe(true);
  expect(await store.runs.counts()).toMatchObject({ running: 2, pending: 3 });
  expect(await store.approved.counts()).toEqual({ approved: 9 });
  expect(await store.config.read()).toMatchObject({ max_concurrent_runs: -5 });
  expect(await store.provider.read()).toMatchObject({ active: 's' });
  expect(await store.plan.read()).not.toBeNull();
  expect(await store.quarantined()).toEqual([]);
});
