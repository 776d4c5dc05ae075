import { describe, expect, it } from 'vitest';
import { firstProvider } from '../../../src/http/environment.ts';

describe('the first provider', () => {
  const editors = {
    active: 'editor',
    providers: { editor: { type: 'editor' as const, model: 'auto' } },
  };

  it("is the editor's own model where there is one", () => {
    expect(firstProvider({}, editors)).toBe(editors);
    expect(firstProvider({ GIMO_FIRST_PROVIDER: ' ' }, editors)).toBe(editors);
  });

  it('is a model on this machine where there is none', () => {
    expect(firstProvider({})).toEqual({
      active: 'local_ollama',
      providers: {
        local_ollama: {
          type: 'openai_compat',
          base_url: 'http://localhost:11434/v1',
          model: 'qwen2.5-coder:7b',
        },
      },
    });
  });

  it.each(['offline', 'local_ollama'])('is what GIMO_FIRST_PROVIDER names: %s', (name) => {
    expect(firstProvider({ GIMO_FIRST_PROVIDER: name }, editors).active).toBe(name);
  });

  it('cannot be a name that leads nowhere', () => {
    expect(() => firstProvider({ GIMO_FIRST_PROVIDER: 'x' }, editors)).toThrow(/can be "offline"/);
  });
});
