import { expect, test } from 'vitest';
import { tokenRoles } from '../../../src/core/principals.ts';
import { createVaults } from '../../../src/editor/server/vault.ts';
import { openTokens } from '../../../src/http/tokens.ts';

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
  await one.set({ 'token.admin': 'a' });
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
  await vault.set({ 'token.admin': 'a' });
  await vault.set({ 'token.operator': 'b' });
  expect(await vault.get('token.admin')).toBe('a');
  await vault.delete('token.admin');
  expect(await vault.get('token.admin')).toBeUndefined();
  // Over a restart of the server as well.
  expect(await vaultOf('/x').get('token.operator')).toBe('b');
  expect(await vaultOf('/y').get('token.operator')).toBeUndefined();
  expect(told).toBe(1);
});

test('the tokens of a first start are all kept where of several saves the first is what stays', async () => {
  // VS Code in a browser: `store` resolves before all secrets are sealed and saved, and a seal may outlast a later one.
  const secrets = storage();
  const seals: string[] = [];
  const store = async (key: string, value: string) => {
    await secrets.store(key, value);
    seals.push(JSON.stringify([...secrets.kept]));
  };
  const ledger = {
    hadToken: () => false,
    knewToken: () => false,
    rememberToken: async () => undefined,
  };
  const open = (given: typeof secrets) =>
    openTokens({ given: {}, vault: createVaults(given, () => {})('/x'), ledger });
  const before = await open({ ...secrets, store });

  const reloaded = storage();
  for (const [key, value] of JSON.parse(seals[0] ?? '[]')) await reloaded.store(key, value);
  const after = await open(reloaded);
  for (const role of tokenRoles) expect(after.of(role)).toBe(before.of(role));
});

test('what is set while a write is under way is kept too, and nothing that was there is lost', async () => {
  const secrets = storage();
  const vault = createVaults(secrets, () => {})('/x');
  const first = vault.set({ 'token.admin': 'a' });
  await Promise.resolve();
  await Promise.all([first, vault.set({ 'provider.one': 'k' }), vault.delete('token.agent')]);
  await vault.set({ 'provider.two': 'l' });
  await vault.delete('provider.one');
  const again = createVaults(secrets, () => {})('/x');
  const names = ['token.admin', 'provider.one', 'provider.two', 'token.agent'];
  expect(await Promise.all(names.map((name) => again.get(name)))).toEqual([
    ...['a', undefined, 'l', undefined],
  ]);
});

test('what the editor gives back spoilt counts as lost, and is replaced by what is set', async () => {
  const secrets = storage();
  const vault = createVaults(secrets, () => {})('/x');
  await vault.set({ 'token.admin': 'a' });
  const [key = ''] = secrets.kept.keys();
  for (const spoilt of ['{', 'null', '{"token.admin":"a"}', '[["token.admin"],[1,2],null]']) {
    secrets.kept.set(key, spoilt);
    expect(await vault.get('token.admin')).toBeUndefined();
    await vault.set({ 'token.agent': 'b' });
    expect(await vault.get('token.agent')).toBe('b');
  }
});
