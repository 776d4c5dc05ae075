import { expect, it } from 'vitest';
import { startServer } from '../api/harness.ts';
import { countSyncs } from '../bench/syncs.ts';

/*
 * Requests that arrive together share what may be shared: the syncs of their audit entries, and those of the folder that
 * their records lie in. Each record is still synced itself, and nobody is answered before all of that is done: what
 * proves it is the kill tests, with a file system that forgets what was not synced.
 */

it('ten drafts at once take far fewer syncs than ten times those of one', async () => {
  const { host } = await startServer();
  const create = () => host.client.call('createDraft', { prompt: 'Tidy up' });
  await create(); // the first makes the audit file
  const one = await countSyncs(host.dataDir, create);
  expect(one).toEqual({ files: 3, folders: 1 });
  const ten = await countSyncs(host.dataDir, () => Promise.all(Array.from({ length: 10 }, create)));
  console.info(`one: ${JSON.stringify(one)}; ten together: ${JSON.stringify(ten)}`);
  // Ten records, and at the very least the nine intents that wait while the first one is synced are one sync.
  expect(ten.files).toBeGreaterThanOrEqual(10);
  expect(ten.files).toBeLessThan(10 * one.files - 7);
  expect(ten.folders).toBeLessThan(10 * one.folders);
});
