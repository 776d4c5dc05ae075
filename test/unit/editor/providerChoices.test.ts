import { describe, expect, test } from 'vitest';
import { baseUrlProblem } from '../../../src/contract/addresses.ts';
import { ProviderConfig, ProviderEntry, ProviderName } from '../../../src/contract/records.ts';
import {
  freeName,
  isInTheOpen,
  nameProblem,
  originOf,
  presets,
  withProvider,
} from '../../../src/editor/providerChoices.ts';
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
