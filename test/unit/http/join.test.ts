import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startHost } from '../../../src/http/host.ts';
import { type JoinOptions, joinServer } from '../../../src/http/join.ts';
import type { HostOptions } from '../../../src/http/options.ts';
import { writeServer } from '../../../src/store/discovery.ts';
import { ensureKey } from '../../../src/store/keys.ts';
import { dataDirOf, ledgerDir } from '../../../src/store/paths.ts';

/** A folder whose ledger notes a server on a port where nothing of ours answers. */
async function scene() {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'gimo-join-')));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const root = join(dir, 'work');
  await mkdir(root);
  const env = { GIMO_CONFIG_HOME: join(dir, 'config'), GIMO_FIRST_PROVIDER: 'offline' };
  const ledger = ledgerDir(env.GIMO_CONFIG_HOME, dataDirOf(root));
  let asked = 0;
  const other = createServer((_, response) => {
    asked += 1;
    other.emit('asked', asked);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const address = other.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const note = (more: { stopped?: boolean; restarting?: boolean }) =>
    writeServer(ledger, {
      ...{ url: `http://127.0.0.1:${port}`, pid: 1, epoch: 1, started_at: 'then' },
      ...{ hosted_by: 'editor', version: '0.0.0', stopped: false, ...more },
    });
  await note({});
  await ensureKey(ledger);
  let starts = 0;
  const joining = (more: Partial<JoinOptions>) =>
    joinServer(
      {
        ...{ root, env, port: 0, hostedBy: 'editor', version: '0.0.0', installId: 'join' },
        ...{ again: true, signal: new AbortController().signal },
        logger: { log: () => {} },
        onEnded: () => {},
        ...more,
      },
      (options: HostOptions) => {
        starts += 1;
        return startHost(options);
      },
    );
  const looks = async (times: number) => {
    while (asked < times) await once(other, 'asked');
  };
  return { note, joining, looks, starts: () => starts };
}

test('while a server is being started again, nobody takes over from it', async () => {
  const { note, joining, looks, starts } = await scene();
  await note({ restarting: true });
  const joined = joining({});
  await looks(3);
  expect(starts()).toBe(0);
  await note({ restarting: false });
  const served = await joined;
  expect(served?.attached).toBe(false);
  await served?.stop();
});

test('a server that was stopped on purpose is left so, unless a person wants one', async () => {
  const { note, joining, starts } = await scene();
  await note({ stopped: true });
  expect(await joining({})).toBeNull();
  expect(starts()).toBe(0);
  const served = await joining({ again: false });
  expect(served?.attached).toBe(false);
  await served?.stop();
});

test('the looking ends when the window closes', async () => {
  const { note, joining, looks } = await scene();
  await note({ restarting: true });
  const closing = new AbortController();
  const joined = joining({ signal: closing.signal });
  const refused = expect(joined).rejects.toThrow(/abort/i);
  await looks(1);
  closing.abort();
  await refused;
});
