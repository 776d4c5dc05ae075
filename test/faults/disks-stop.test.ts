import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makePlace, send } from './support.ts';

/* A disk that does not answer must not keep the process of a server that was told to end. */

/** On SIGUSR2 nothing that is synced comes back any more, and standard error tells when something waits for that. */
const stuckSyncs = `
  import { open } from 'node:fs/promises';
  const handle = await open(process.execPath, 'r');
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  process.on('SIGUSR2', () => {
    prototype.sync = () => {
      console.error('something is stuck');
      return new Promise(() => {});
    };
    console.error('the disk hangs');
  });
`;
const preload = [`data:text/javascript,${encodeURIComponent(stuckSyncs)}`];

it('gimo serve ends with 1 after a stop that hangs, says why, and the next server takes over', async () => {
  const place = await makePlace();
  onTestFinished(place.dispose);
  await mkdir(place.root);
  const server = await place.serve({ preload });
  const token = await place.adminToken();
  server.send('SIGUSR2');
  await server.logged(/the disk hangs/);
  const waiting = send(server.url, token, 'POST', '/ops/drafts', { prompt: 'waits' }).catch(
    (error: unknown) => error,
  );
  await server.logged(/something is stuck/);
  expect(await server.stop()).toBe(1);
  expect(server.log()).toMatch(/Check the disk/);
  // Nobody was told that it was done.
  expect(await waiting).toBeInstanceOf(Error);
  // It could not let the claim go; whoever comes next sees that its process is gone.
  expect(existsSync(join(server.dataDir, 'ops', 'owner.json'))).toBe(true);
  const next = await place.serve();
  const drafts = await (await send(next.url, token, 'GET', '/ops/drafts')).json();
  expect(drafts).toEqual([]);
  expect(await next.stop()).toBe(0);
});
