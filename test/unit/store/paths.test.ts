import { createHash } from 'node:crypto';
import { mkdir, readdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configHome, dataDirOf, ledgerDir } from '../../../src/store/paths.ts';
import { tempDir } from './support.ts';

test.each([
  ['linux', {}, '/home/u/.config/gimo'],
  ['linux', { XDG_CONFIG_HOME: '/xdg' }, '/xdg/gimo'],
  ['linux', { XDG_CONFIG_HOME: 'relative' }, '/home/u/.config/gimo'],
  ['darwin', {}, '/home/u/Library/Application Support/gimo'],
  ['win32', { APPDATA: '/roaming' }, '/roaming/gimo'],
  ['linux', { GIMO_CONFIG_HOME: '/own' }, '/own'],
  ['win32', { GIMO_CONFIG_HOME: '/own', APPDATA: '/roaming' }, '/own'],
] as const)('on %s with %o the ledgers lie in %s', (platform, env, expected) => {
  expect(configHome(env, platform, '/home/u')).toBe(expected);
});

test('every way to a data directory leads to one ledger, before it exists and after', async () => {
  const dir = await tempDir();
  await mkdir(join(dir, 'real'));
  await symlink(join(dir, 'real'), join(dir, 'link'));
  const before = ledgerDir('/home', dataDirOf(join(dir, 'link')));
  expect(await readdir(join(dir, 'real'))).toEqual([]);
  await mkdir(dataDirOf(join(dir, 'real')));
  const real = await realpath(dataDirOf(join(dir, 'real')));
  expect(before).toBe(join('/home', createHash('sha256').update(real).digest('hex')));
  expect(ledgerDir('/home', dataDirOf(join(dir, 'link')))).toBe(before);
  expect(ledgerDir('/home', dataDirOf(join(dir, 'real')))).toBe(before);
});
