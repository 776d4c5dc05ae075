import { spawn } from 'node:child_process';
import { mkdir, readdir, rm, rmdir, stat, utimes, watch } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { table } from '../../src/contract/operations.ts';
import { readServer } from '../../src/store/discovery.ts';
import { dataDirOf, ledgerDir } from '../../src/store/paths.ts';
import { elsewhere, unsteady } from './odd.ts';
import { makePlace, send } from './support.ts';
import { faultsIn, type History, openWindow } from './windows.ts';

/* Two servers, one directory: never two writers, never a lost write. */

/** A place with servers and windows, whose whole history is checked in the end. */
async function scene() {
  const place = await makePlace();
  onTestFinished(() => place.dispose());
  await mkdir(place.root);
  const history: History = { epochs: [], acknowledged: [] };
  const ledger = ledgerDir(place.configHome, dataDirOf(place.root));
  return {
    ...{ place, history, ledger },
    window(preload: readonly string[] = []) {
      const opened = openWindow(place.root, place.env, preload);
      onTestFinished(() => opened.kill());
      return {
        ...opened,
        async draft(prompt: string) {
          const id = await opened.draft(prompt);
          if (id !== null) history.acknowledged.push(id);
          return id;
        },
        async epoch() {
          const epoch = await opened.epoch();
          history.epochs.push(epoch);
          return epoch;
        },
      };
    },
    /** Creates a draft over HTTP. @returns the status */
    async draft(url: string, prompt: string) {
      const reply = await send(url, await place.adminToken(), 'POST', '/ops/drafts', { prompt });
      const body: unknown = await reply.json();
      if (reply.status === 201) history.acknowledged.push(table.createDraft.output.parse(body).id);
      return reply.status;
    },
    async epochAt(url: string) {
      const reply = await send(url, await place.adminToken(), 'GET', '/status');
      const { epoch } = table.getStatus.output.parse(await reply.json());
      history.epochs.push(epoch);
      return epoch;
    },
    faults: () => faultsIn(place.root, place.configHome, history),
  };
}

it('of three windows the first hosts; killed, exactly one takes over, and nothing is lost', async () => {
  const { window, history, faults } = await scene();
  const first = window();
  await first.next({ state: 'running', attached: false });
  await first.epoch();
  const [second, third] = [window(), window()];
  await second.next({ state: 'running', attached: true });
  await third.next({ state: 'running', attached: true });

  const burst = Array.from({ length: 30 }, (_, n) => second.draft(`From the second window ${n}`));
  await burst[9];
  const killedAt = performance.now();
  await first.kill();
  const [two, three] = await Promise.all([
    second.next({ state: 'running' }),
    third.next({ state: 'running' }),
  ]);
  expect(performance.now() - killedAt).toBeLessThan(15_000);
  await Promise.all(burst);
  expect([two.attached, three.attached].sort()).toEqual([false, true]);
  expect(two.url).toBe(three.url);
  expect(await second.epoch()).toBe(2);
  expect(await third.epoch()).toBe(2);
  expect(await second.draft('Afterwards')).not.toBeNull();
  expect(await third.draft('Afterwards too')).not.toBeNull();
  expect(history.acknowledged.length).toBeGreaterThanOrEqual(12);

  await (two.attached ? second : third).kill();
  await (two.attached ? third : second).call('stop');
  expect(await faults()).toEqual([]);
});

it('a server that was stopped on purpose is taken over by nobody, until a person starts one', async () => {
  const { window, faults } = await scene();
  const first = window();
  await first.next({ state: 'running', attached: false });
  const second = window();
  await second.next({ state: 'running', attached: true });
  await second.draft('Before');
  await first.call('stop');
  await second.next({ state: 'starting' });
  await second.next({ state: 'stopped' });
  expect((await second.call('getStatus')).refused).toContain('there is no server');
  await second.call('start');
  await second.next({ state: 'running', attached: false });
  expect(await second.epoch()).toBe(2);

  // The other way round: the one that is attached stops it for both.
  await first.call('start');
  await first.next({ state: 'running', attached: true });
  await first.call('stop');
  await second.next({ state: 'stopped' });
  expect(await faults()).toEqual([]);
});

it('a window that closes hands over, and a reload takes back what its predecessor lets go of', async () => {
  const { window, faults } = await scene();
  const first = window();
  await first.next({ state: 'running', attached: false });
  // As after a reload: the new one starts while the old one still stops.
  const reloaded = window();
  const left = first.call('leave');
  await reloaded.next({ state: 'running', attached: false });
  await left;
  await reloaded.draft('After the reload');

  const second = window();
  await second.next({ state: 'running', attached: true });
  await reloaded.call('leave');
  await second.next({ state: 'running', attached: false });
  await second.draft('After the window was closed');
  await second.call('stop');
  expect(await faults()).toEqual([]);
});

it('a window attaches to gimo serve, stays while that starts again, and takes over when it is killed', async () => {
  const { place, window, draft, epochAt, faults } = await scene();
  const server = await place.serve();
  const first = window();
  const attached = await first.next({ state: 'running', attached: true });
  expect(attached.url).toBe(server.url);
  await first.draft('By the window');
  expect(await draft(server.url, 'By a client')).toBe(201);

  expect((await first.call('restartService')).refused).toBeUndefined();
  await first.next({ state: 'running', attached: true });
  expect(await epochAt(server.url)).toBe(2);
  await first.draft('After it was started again');

  await server.kill();
  const taken = await first.next({ state: 'running', attached: false });
  // Clients go on with the address that they know.
  expect(taken.url).toBe(server.url);
  await first.draft('After the takeover');
  await first.epoch();
  await first.call('stop');
  expect(await faults()).toEqual([]);
});

it('a stopped process keeps its claim past the staleness of its lock, and goes on with it', async () => {
  const { place, ledger, window, draft, epochAt, faults } = await scene();
  const server = await place.serve();
  expect(await draft(server.url, 'Before')).toBe(201);
  const attached = window();
  await attached.next({ state: 'running', attached: true });
  server.send('SIGSTOP');
  const asked = attached.draft('While it is stopped');
  const lock = join(ledger, `epoch-1.lock`);
  const longAgo = new Date(Date.now() - 600_000);
  await utimes(lock, longAgo, longAgo);
  await expect(place.serve()).rejects.toThrow(`process ${server.pid}`);
  await expect(place.serve({ more: ['--take-over'] })).rejects.toThrow(`process ${server.pid}`);

  const touched = watch(ledger);
  server.send('SIGCONT');
  expect(await draft(server.url, 'After')).toBe(201);
  expect(await asked).not.toBeNull();
  // It finds its lock changed, and takes it again.
  for await (const { filename } of touched) if (filename === 'epoch-1.lock') break;
  expect(await draft(server.url, 'With a lock of its own again')).toBe(201);
  expect(await epochAt(server.url)).toBe(1);
  await expect(place.serve()).rejects.toThrow(`process ${server.pid}`);
  expect(attached.states()).toEqual(['starting', 'running']);
  expect((await stat(lock)).mtimeMs).toBeGreaterThan(longAgo.getTime());
  expect(await server.stop()).toBe(0);
  expect(await faults()).toEqual([]);
});

it('files of the claim that were deleted by hand cost nobody the claim', async () => {
  const { place, ledger, draft, epochAt, faults } = await scene();
  const server = await place.serve();
  await rm(join(server.dataDir, 'ops', 'owner.json'));
  await expect(place.serve()).rejects.toThrow(`process ${server.pid}`);
  await rmdir(join(ledger, 'epoch-1.lock'));
  await rm(join(ledger, 'server.json'));
  expect(await draft(server.url, 'Still the writer')).toBe(201);
  // The lock is looked at every few seconds.
  for await (const { filename } of watch(ledger)) if (filename === 'epoch-1.lock') break;
  await expect(place.serve()).rejects.toThrow(`process ${server.pid}`);
  expect(await epochAt(server.url)).toBe(1);
  expect(await server.stop()).toBe(0);
  expect(await faults()).toEqual([]);
});

it('a clock that jumps ahead and back costs nobody the claim, and no id twice', async () => {
  const { place, draft, epochAt, faults, ledger } = await scene();
  const server = await place.serve({ preload: [unsteady] });
  expect(await draft(server.url, 'On time')).toBe(201);
  for (const jump of [1, 2]) {
    server.send('SIGUSR2');
    await server.logged(new RegExp(`jump ${jump};`));
    expect(await draft(server.url, `After jump ${jump}`)).toBe(201);
    await expect(place.serve()).rejects.toThrow(`process ${server.pid}`);
    // The lock is refreshed every few seconds, by the clock.
    for await (const { filename } of watch(ledger)) if (filename === 'epoch-1.lock') break;
    expect(await draft(server.url, `Later, after jump ${jump}`)).toBe(201);
  }
  expect(await epochAt(server.url)).toBe(1);
  expect(await server.stop()).toBe(0);
  expect(await faults()).toEqual([]);
});

it('a server that lost its directory refuses, waits, and serves again when it is free', async () => {
  const { place, draft, epochAt, faults } = await scene();
  const first = await place.serve();
  expect(await draft(first.url, 'Before')).toBe(201);
  await epochAt(first.url);
  const second = await place.serve({ more: ['--take-over'], preload: [elsewhere] });
  expect(await draft(second.url, 'By the one that took over')).toBe(201);
  await epochAt(second.url);

  expect(await draft(first.url, 'By the one that lost')).toBe(503);
  await first.logged(/This server waits/);
  const refused = await send(first.url, 'whoever', 'GET', '/status');
  expect(await refused.json()).toMatchObject({ code: 'not_writer' });
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await draft(second.url, 'Still the writer')).toBe(201);

  expect(await second.stop()).toBe(0);
  await first.logged(/has it again/);
  expect(await draft(first.url, 'Again')).toBe(201);
  expect(await epochAt(first.url)).toBe(3);
  expect(await first.stop()).toBe(0);
  expect(await faults()).toEqual([]);
});

it('a server that waits for its directory can be stopped', async () => {
  const { place, draft } = await scene();
  const first = await place.serve();
  const second = await place.serve({ more: ['--take-over'], preload: [elsewhere] });
  expect(await draft(first.url, 'By the one that lost')).toBe(503);
  await first.logged(/This server waits/);
  expect(await first.stop()).toBe(0);
  expect(await draft(second.url, 'Still the writer')).toBe(201);
  expect(await second.stop()).toBe(0);
});

it('a window that lost its directory attaches to the server that has it', async () => {
  const { place, window, ledger, draft, faults } = await scene();
  const first = window();
  await first.next({ state: 'running', attached: false });
  await first.draft('Before');
  await first.epoch();
  const second = await place.serve({ more: ['--take-over'], preload: [elsewhere] });
  await first.draft('By the one that lost');
  const found = await first.next({ state: 'running', attached: true });
  expect(found.url).toBe(second.url);
  expect((await readServer(ledger))?.url).toBe(second.url);
  expect(await first.draft('Through the other')).not.toBeNull();
  expect(await draft(second.url, 'By the other')).toBe(201);
  expect(await first.epoch()).toBe(2);
  expect(await second.stop()).toBe(0);
  await first.next({ state: 'stopped' });
  expect(await faults()).toEqual([]);
});

it('of two that claim at the same moment, exactly one does, fifty times', async () => {
  const { place, ledger } = await scene();
  const script = join(import.meta.dirname, 'contender.ts');
  const dataDir = dataDirOf(place.root);
  const contenders = [0, 1].map(() => {
    const child = spawn(process.execPath, [script, dataDir, ledger], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return async () => {
      child.stdin.write('\n');
      return String((await lines.next()).value);
    };
  });
  const epochs: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const got = await Promise.all(contenders.map((say) => say()));
    const won = got.filter((one) => one !== 'refused');
    expect(won, got.join()).toHaveLength(1);
    epochs.push(Number(won[0]));
    expect(await contenders[got.indexOf(won[0] ?? '')]?.()).toBe('released');
  }
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  expect(new Set(epochs).size).toBe(50);
  expect(await readdir(join(ledger, 'epochs'))).toHaveLength(1);
});
