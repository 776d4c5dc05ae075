import { expect, test } from 'vitest';
import { createVaults } from '../../../src/editor/server/vault.ts';

function storage(works = true) {
  const kept = new Map<string, string>();
  const check = () => {
    if (!works) throw new Error('no keyring');
  };
  return {
    kept,
    keys: async () => [...kept.keys()],
    onDidChange: () => ({ dispose() {} }),
    async get(key: string) {
      check();
      return kept.get(key);
    },
    async store(key: string, value: string) {
      check();
      kept.set(key, value);
    },
    async delete(key: string) {
      check();
      kept.delete(key);
    },
  };
}

test('two data directories do not share secrets, and a key does not tell where they are', async () => {
  const secrets = storage();
  const vaultOf = createVaults(secrets, () => {});
  const one = vaultOf('/work/one/.orch_data');
  const other = vaultOf('/work/other/.orch_data');
  await one.set('token.admin', 'a');
  expect(await one.get('token.admin')).toBe('a');
  expect(await other.get('token.admin')).toBeUndefined();
  expect([...secrets.kept.keys()].join()).not.toContain('work');
  await one.delete('token.admin');
  expect(secrets.kept.size).toBe(0);
});

test('where the editor keeps no secrets, they last in memory, and that is said once', async () => {
  let told = 0;
  const vaultOf = createVaults(storage(false), () => told++);
  const vault = vaultOf('/x');
  expect(await vault.get('token.admin')).toBeUndefined();
  await vault.set('token.admin', 'a');
  await vault.set('token.operator', 'b');
  expect(await vault.get('token.admin')).toBe('a');
  await vault.delete('token.admin');
  expect(await vault.get('token.admin')).toBeUndefined();
  // Over a restart of the server as well.
  expect(await vaultOf('/x').get('token.operator')).toBe('b');
  expect(await vaultOf('/y').get('token.operator')).toBeUndefined();
  expect(told).toBe(1);
});
