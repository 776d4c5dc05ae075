import { describe, expect, test } from 'vitest';
import { baseUrlProblem } from '../../../src/contract/addresses.ts';
import { ProviderConfig, ProviderEntry, ProviderName } from '../../../src/contract/records.ts';
import { firstProviderOf } from '../../../src/editor/models/firstProvider.ts';
import {
  editorChoices,
  freeName,
  isInTheOpen,
  nameProblem,
  type OfferedModel,
  offeredModel,
  originOf,
  presets,
  withProvider,
} from '../../../src/editor/models/providerChoices.ts';
import { baseUrl } from '../../../src/providers/presets.ts';

describe('what can be set up from a list', () => {
  test.each(presets.filter(({ base_url }) => base_url !== null))('$title is accepted', (preset) => {
    const { type, base_url, name } = preset;
    const entry = ProviderEntry.parse({ type, model: 'm', ...(base_url ? { base_url } : {}) });
    expect(ProviderName.safeParse(name).success).toBe(true);
    const url = baseUrl(entry);
    expect(originOf(entry)).toBe(url === null ? null : new URL(url).origin);
    if (url !== null) expect(baseUrlProblem(url)).toBeNull();
  });
});

test.each([
  ['http://models.example.com', true],
  ['https://models.example.com', false],
  ['http://localhost:11434', false],
  ['http://127.0.0.1:1', false],
  ['http://[::1]:1', false],
  ['http://127.0.0.1.example.com', true],
])('what goes to %s can be read on the way: %s', (origin, open) => {
  expect(isInTheOpen(origin)).toBe(open);
});

test('a new provider gets a name of its own, and leaves the others as they are', () => {
  const config = ProviderConfig.parse({
    active: 'offline',
    providers: {
      offline: { type: 'offline', model: 'offline' },
      'models.example.com': { type: 'offline', model: 'x', api_key: null },
    },
  });
  const name = freeName(config, 'https://models.example.com:8080/v1');
  expect(name).toBe('models.example.com-2');
  for (const url of ['nonsense', 'http://[::1]/v1', 'https://ünïcode.example/'])
    expect(nameProblem(freeName(config, url))).toBeUndefined();
  const entry = ProviderEntry.parse({ type: 'openai_compat', model: 'm', base_url: 'http://x/v1' });
  const next = withProvider(config, name, entry, name);
  expect(next.active).toBe(name);
  expect(next.providers).toMatchObject(config.providers);
});

describe("the editor's models", () => {
  const model = (id: string, vendor = 'copilot') => ({
    ...{ id, vendor, family: `${id}-family`, name: `The ${id}` },
  });
  const config = (providers: ProviderConfig['providers'] = {}): ProviderConfig => ({
    active: 'offline',
    providers: { offline: { type: 'offline', model: 'offline' }, ...providers },
  });
  const offered = [model('a'), model('b'), model('b', 'other')];

  test.each([
    ['a', 'copilot/a'],
    ['b', 'copilot/b'],
    ['other/b', 'other/b'],
    ['b-family', 'copilot/b'],
    ['auto', 'copilot/a'],
    ['', 'copilot/a'],
  ])('"%s" names %s', (wanted, found) => {
    const { vendor, id } = offeredModel(offered, wanted) ?? { vendor: '', id: '' };
    expect(`${vendor}/${id}`).toBe(found);
  });

  test('a name that is none of theirs names none, and where there are none nothing does', () => {
    expect(offeredModel(offered, 'c')).toBeUndefined();
    expect(offeredModel([], 'auto')).toBeUndefined();
  });

  test('"auto" is the one of the editor that is called so, if it has one', () => {
    expect(offeredModel([...offered, model('auto')], 'auto')?.name).toBe('The auto');
  });

  test('are offered, whichever comes first before each of them', () => {
    const choices = editorChoices(offered, config());
    expect(choices.map(({ name, entry }) => [name, entry.model])).toEqual([
      ['editor', 'auto'],
      ['a', 'a'],
      ['b', 'b'],
      ['b', 'other/b'],
    ]);
    for (const { name, entry } of choices) {
      expect(ProviderName.safeParse(name).success).toBe(true);
      expect(ProviderEntry.parse(entry).type).toBe('editor');
    }
    expect(choices[0]?.detail).toContain('now The a');
  });

  test('are not offered again once they are set up, and take no name that is taken', () => {
    const mine = { mine: { type: 'editor', model: 'auto' }, a: { type: 'offline', model: 'x' } };
    const choices = editorChoices(offered, config(ProviderConfig.shape.providers.parse(mine)));
    expect(choices.map(({ name }) => name)).toEqual(['a-2', 'b', 'b']);
  });

  test('are not offered where there are none', () => {
    expect(editorChoices([], config())).toEqual([]);
  });

  test('are the first provider of a folder where there is one', async () => {
    const first = (models: readonly OfferedModel[]) =>
      firstProviderOf({ offered: async () => models });
    expect(await first(offered)).toEqual({
      active: 'editor',
      providers: { editor: { type: 'editor', model: 'auto' } },
    });
    expect(await first([])).toBeUndefined();
  });
});
