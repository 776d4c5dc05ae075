import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { SecretVault } from '../../../src/core/ports.ts';
import { type LastStart, readAhead } from '../../../src/http/readAhead.ts';
import { claimDataDir } from '../../../src/store/claim.ts';

const kept = new Map<string, string>();
let asked: string[] = [];
const vault: SecretVault = {
  async get(name) {
    asked.push(name);
    return kept.get(name);
  },
  async set(secrets) {
    for (const [name, value] of Object.entries(secrets)) kept.set(name, value);
  },
  delete: async (name) => void kept.delete(name),
};
let last: LastStart;

const claim = () =>
  claimDataDir({ dataDir: last.dataDir, ledgerDir: last.ledgerDir, onLost: () => undefined });

beforeEach(async () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'read-ahead-'));
  onTestFinished(() => rmSync(scratch, { recursive: true }));
  const [dataDir, ledgerDir] = [path.join(scratch, 'data'), path.join(scratch, 'ledger')];
  last = { dataDir, ledgerDir, names: ['token.admin', 'token.agent'] };
  kept.clear();
  kept.set('token.admin', 'the first').set('token.agent', 'another');
  // The server before this one.
  await (await claim()).release();
  asked = [];
});

test('what the last server asked for is asked for once, before anybody asks', async () => {
  const ahead = readAhead(vault, last);
  expect(asked).toEqual(['token.admin', 'token.agent']);
  const ours = await claim();
  expect(await ahead.get('token.admin')).toBe('the first');
  expect(asked).toHaveLength(2);
  await ours.release();
});

test('a secret that another server changed meanwhile is read again', async () => {
  const ahead = readAhead(vault, last);
  const theirs = await claim();
  kept.set('token.admin', 'a newer one');
  await theirs.release();
  const ours = await claim();
  expect(await ahead.get('token.admin')).toBe('a newer one');
  await ours.release();
});

test('nothing is read ahead while another server may hold the directory', async () => {
  const theirs = await claim();
  readAhead(vault, last);
  expect(asked).toEqual([]);
  await theirs.release();
});

test('nothing is read ahead after a server that was killed: it let go of nothing', async () => {
  const lock = path.join(last.ledgerDir, 'epoch-1.lock');
  mkdirSync(lock);
  readAhead(vault, last);
  expect(asked).toEqual([]);
  rmdirSync(lock);
  writeFileSync(path.join(last.dataDir, 'ops/owner.json'), '{}');
  readAhead(vault, last);
  expect(asked).toEqual([]);
});

test('without a ledger, or a start before this one, everything is read when it is asked for', async () => {
  rmSync(last.ledgerDir, { recursive: true });
  for (const ahead of [readAhead(vault, last), readAhead(vault, undefined)]) {
    expect(asked).toEqual([]);
    expect(await ahead.get('token.admin')).toBe('the first');
    asked = [];
  }
});

test('what this server sets or deletes is what it reads', async () => {
  const ahead = readAhead(vault, last);
  const ours = await claim();
  await ahead.set({ 'token.admin': 'made anew' });
  await ahead.delete('token.agent');
  expect(await ahead.get('token.admin')).toBe('made anew');
  expect(await ahead.get('token.agent')).toBeUndefined();
  expect([...ahead.asked]).toEqual(['token.admin', 'token.agent']);
  await ours.release();
});

test('an answer that nobody takes is no failure when it fails', async () => {
  const failing = { ...vault, get: () => Promise.reject(new Error('no keyring')) };
  readAhead(failing, last);
  const ours = await claim();
  await expect(readAhead(failing, { ...last, names: [] }).get('token.admin')).rejects.toThrow(
    'no keyring',
  );
  await ours.release();
});
