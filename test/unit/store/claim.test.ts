import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
  watch,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { GimoError } from '../../../src/contract/errors.ts';
import { writeAtomic } from '../../../src/store/atomic.ts';
import { type Claim, claimDataDir } from '../../../src/store/claim.ts';
import { claimWithin } from '../../../src/store/claim-wait.ts';
import { processStarted } from '../../../src/store/process.ts';
import { refusal, tempDir } from './support.ts';

const Told = z.object({ event: z.string(), detail: z.string() });
const Owner = z.looseObject({ host: z.string(), pid: z.int(), epoch: z.int() });

const places = async () => {
  const root = await tempDir();
  return { dataDir: join(root, 'data'), ledgerDir: join(root, 'ledger') };
};
type Places = Awaited<ReturnType<typeof places>>;

async function claim(at: Places, more: { takeOver?: boolean } = {}) {
  const lost: GimoError[] = [];
  const held = await claimDataDir({ ...at, ...more, onLost: (reason) => lost.push(reason) });
  onTestFinished(() => held.release());
  return { ...held, lost };
}

const script = fileURLToPath(new URL('holder.ts', import.meta.url));
/* What a process on another machine sees: the same files, another host name. */
const elsewhere = `data:text/javascript,${encodeURIComponent(
  "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';" +
    "os.hostname = () => 'far-host'; syncBuiltinESMExports();",
)}`;

function startHolder(at: Places, far = false) {
  const args = [...(far ? ['--import', elsewhere] : []), script, at.dataDir, at.ledgerDir];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(stop);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => Told.parse(JSON.parse(String((await lines.next()).value)));
  return { child, next, stop, pid: child.pid ?? 0 };
}

async function owner(at: Places) {
  return Owner.parse(JSON.parse(await readFile(join(at.dataDir, 'ops', 'owner.json'), 'utf8')));
}

async function writeOwner(at: Places, fields: Record<string, unknown>) {
  const holder = { host: hostname(), pid: process.pid, epoch: 1, claimed_at: 'then', ...fields };
  await mkdir(join(at.dataDir, 'ops'), { recursive: true });
  await writeFile(join(at.dataDir, 'ops', 'owner.json'), JSON.stringify(holder));
}

describe('one writer', () => {
  test('a second claim is refused, and told which process on which host holds it', async () => {
    const at = await places();
    const first = await claim(at);
    const error = await refusal(claim(at));
    expect(GimoError.is(error, 'not_writer') && error.message).toContain(
      `process ${process.pid} on ${hostname()}`,
    );
    expect(() => first.fence()).not.toThrow();
  });

  test("a process that was killed while it claimed is in nobody's way; one that lives is", async () => {
    const at = await places();
    const epochs = join(at.ledgerDir, 'epochs');
    await mkdir(epochs, { recursive: true });
    await mkdir(join(at.ledgerDir, 'epoch-1.lock'));
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    const note = { host: hostname(), epoch: 1, claimed_at: 'then' };
    const dead = { ...note, pid: child.pid, process_started: null };
    await writeFile(join(epochs, `1.by-${child.pid}-0123456789ab`), JSON.stringify(dead));
    const lives = { ...note, pid: process.pid, process_started: await processStarted(process.pid) };
    const living = join(epochs, `1.by-${process.pid}-0123456789ab`);
    await writeFile(living, JSON.stringify(lives));
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
    await rm(living);
    expect((await claim(at)).epoch).toBe(1);
    expect(await readdir(epochs)).toEqual(['1']);
  });

  test('of many that claim at once in one process, one gets it', async () => {
    const at = await places();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => claim(at)));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of tries)
      if (one.status === 'rejected') expect(GimoError.is(one.reason, 'not_writer')).toBe(true);
  });

  test('of processes that claim at once, one gets it', async () => {
    const at = await places();
    const holders = [startHolder(at), startHolder(at), startHolder(at)];
    const told = await Promise.all(holders.map((holder) => holder.next()));
    expect(told.map(({ event }) => event).sort()).toEqual(['claimed', 'refused', 'refused']);
    const winner = holders[told.findIndex(({ event }) => event === 'claimed')];
    expect((await owner(at)).pid).toBe(winner?.pid);
  });

  test('epochs grow over release and claim, and older ones are forgotten', async () => {
    const at = await places();
    const first = await claim(at);
    await first.release();
    expect(() => first.fence()).toThrow(GimoError);
    const second = await claim(at);
    expect([first.epoch, second.epoch]).toEqual([1, 2]);
    expect(await readdir(join(at.ledgerDir, 'epochs'))).toEqual(['2']);
    expect((await stat(join(at.ledgerDir, 'epochs', '2'))).mode & 0o777).toBe(0o600);
    expect((await stat(at.ledgerDir)).mode & 0o777).toBe(0o700);
  });

  test('a release that comes late leaves the next holder alone', async () => {
    const at = await places();
    const first = await claim(at);
    await first.release();
    const second = await claim(at);
    await first.release();
    expect((await owner(at)).epoch).toBe(second.epoch);
    expect(() => second.fence()).not.toThrow();
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
  });
});

describe('a holder that is about to let go', () => {
  test('is waited for, and the next claim follows it', async () => {
    const at = await places();
    const before = await claim(at);
    const waiting = claimWithin(20_000, { ...at, onLost: () => undefined });
    await before.release();
    const next = await waiting;
    onTestFinished(() => next.release());
    expect(next.epoch).toBe(2);
  });

  test('is not waited for longer than one has patience', async () => {
    const at = await places();
    await claim(at);
    const error = await refusal(claimWithin(0, { ...at, onLost: () => undefined }));
    expect(GimoError.is(error, 'not_writer')).toBe(true);
  });
});

describe('a holder that died or sleeps', () => {
  test('the claim of a killed process is taken at once, without waiting for its lock', async () => {
    const at = await places();
    const holder = startHolder(at);
    expect(await holder.next()).toEqual({ event: 'claimed', detail: '1' });
    await holder.stop();
    expect(existsSync(join(at.ledgerDir, 'epoch-1.lock'))).toBe(true);
    const began = performance.now();
    expect((await claim(at)).epoch).toBe(2);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(existsSync(join(at.ledgerDir, 'epoch-1.lock'))).toBe(false);
  });

  test('a live process id with another start time is a dead holder', async () => {
    const at = await places();
    await writeOwner(at, { process_started: 'another' });
    expect((await claim(at)).epoch).toBe(1);
  });

  test('the same process id and start time is a live one', async () => {
    const at = await places();
    await writeOwner(at, { process_started: await processStarted(process.pid) });
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
  });

  test('a process that merely sleeps is not robbed, even without its owner file', async () => {
    const at = await places();
    const holder = startHolder(at);
    await holder.next();
    holder.child.kill('SIGSTOP');
    const long = new Date(Date.now() - 3_600_000);
    await utimes(join(at.ledgerDir, 'epoch-1.lock'), long, long);
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
    await rm(join(at.dataDir, 'ops', 'owner.json'));
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
  });

  test('a claim that stopped halfway is not taken for the dead one before it', async () => {
    const at = await places();
    await writeOwner(at, { process_started: 'another' });
    const now = await claim(at);
    // As it stands between the making of the epoch and the writing of the owner file.
    await writeOwner(at, { process_started: 'another' });
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
    expect(existsSync(join(at.ledgerDir, 'epochs', String(now.epoch)))).toBe(true);
  });

  test('a number that was used and cleaned up is not used again by a slow claimer', async () => {
    const at = await places();
    const holder = await claim(at);
    await writeFile(join(at.ledgerDir, 'epochs', '7'), '');
    await holder.release();
    expect((await claim(at)).epoch).toBe(8);
  });
});

describe('taking over', () => {
  test('a claim on another host is taken over only on command, and then writes no more', async () => {
    const at = await places();
    const far = startHolder(at, true);
    expect((await far.next()).event).toBe('claimed');
    const error = await refusal(claim(at));
    expect(GimoError.is(error, 'not_writer') && error.message).toContain(
      `process ${far.pid} on far-host`,
    );
    const now = await claim(at, { takeOver: true });
    const path = join(at.dataDir, 'ops', 'record.json');
    await writeAtomic(path, 'written by the new holder', { fence: now.fence });
    far.child.stdin.write(`${path}\n`);
    const told = [await far.next(), await far.next()];
    expect(told).toContainEqual({ event: 'refused', detail: 'not_writer' });
    expect(told).toContainEqual({ event: 'lost', detail: 'not_writer' });
    expect(await readFile(path, 'utf8')).toBe('written by the new holder');
    expect(await readdir(join(at.dataDir, 'ops'))).toEqual(['owner.json', 'record.json']);
  });

  test('a holder with another ledger is fenced by the owner file', async () => {
    const at = await places();
    const here = await claim(at);
    const far = { ...at, ledgerDir: `${at.ledgerDir}-far` };
    await writeOwner(at, { host: 'far-host', process_started: null });
    const there = await claim(far, { takeOver: true });
    expect(() => here.fence()).toThrow(GimoError);
    expect(() => there.fence()).not.toThrow();
  });

  test('a lost claim is told once, and nothing is written under it', async () => {
    const at = await places();
    const held: Claim & { lost: GimoError[] } = await claim(at);
    await writeFile(join(at.ledgerDir, 'epochs', String(held.epoch + 1)), '');
    const path = join(at.dataDir, 'ops', 'x.json');
    for (const _ of [1, 2])
      expect(
        GimoError.is(await refusal(writeAtomic(path, 'x', { fence: held.fence })), 'not_writer'),
      ).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(held.lost.map(({ code }) => code)).toEqual(['not_writer']);
  });
});

describe('what happens to the files of a claim', () => {
  test('an owner file that was deleted or spoilt by hand costs nobody the claim', async () => {
    const at = await places();
    const held = await claim(at);
    const path = join(at.dataDir, 'ops', 'owner.json');
    await writeFile(path, 'nonsense');
    expect(() => held.fence()).not.toThrow();
    await rename(path, `${path}.old`);
    expect(() => held.fence()).not.toThrow();
    expect(GimoError.is(await refusal(claim(at)), 'not_writer')).toBe(true);
  });

  test('a lock that vanished is taken again while the epoch holds', async () => {
    const at = await places();
    const held = await claim(at);
    const name = `epoch-${held.epoch}.lock`;
    await rmdir(join(at.ledgerDir, name));
    // The lock is looked at every few seconds.
    for await (const { filename } of watch(at.ledgerDir)) if (filename === name) break;
    expect(existsSync(join(at.ledgerDir, name))).toBe(true);
    expect(() => held.fence()).not.toThrow();
    expect(held.lost).toEqual([]);
  });
});
