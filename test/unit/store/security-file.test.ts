import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../../src/store/ledger.ts';

async function tempLedger() {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-security-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const open = () => openLedger({ dir, dataDir: '/w' });
  return { dir, path: join(dir, 'security.json'), open };
}
const locked = { level: 'all' as const, events: [] };

test('a new ledger is open, and what is written is read by the next server', async () => {
  const { open, path } = await tempLedger();
  const ledger = await open();
  expect(await ledger.security.read()).toEqual({ level: 'open', events: [] });
  await ledger.security.write(locked);
  expect(await (await open()).security.read()).toEqual(locked);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('cut anywhere, it cannot be trusted', async () => {
  const { open, path } = await tempLedger();
  const { security } = await open();
  const whole = await readFile(path, 'utf8');
  for (let length = 0; length < whole.trimEnd().length; length += 1) {
    await writeFile(path, whole.slice(0, length));
    expect(await security.read(), `${length} bytes`).toBeNull();
  }
});

test('a state of another ledger, or one that is gone, cannot be trusted', async () => {
  const [ours, theirs] = [await tempLedger(), await tempLedger()];
  const { security } = await ours.open();
  await theirs.open();
  await copyFile(theirs.path, ours.path);
  expect(await security.read()).toBeNull();
  await rm(ours.path);
  expect(await (await ours.open()).security.read()).toBeNull();
});

test('the last of two writes is what stands', async () => {
  const { security } = await (await tempLedger()).open();
  await Promise.all([security.write({ level: 'open', events: [] }), security.write(locked)]);
  expect(await security.read()).toEqual(locked);
});
