import { describe, expect, it } from 'vitest';
import { baseUrlProblem } from '../../../src/contract/addresses.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { baseUrl } from '../../../src/providers/presets.ts';

describe('the base URL', () => {
  it('of a preset is the one that its vendor publishes', () => {
    expect(baseUrl({ type: 'anthropic' })).toBe('https://api.anthropic.com/v1/');
    expect(baseUrl({ type: 'gemini' })).toBe(
      'https://generativelanguage.googleapis.com/v1beta/openai/',
    );
  });

  it('of an entry wins over the preset', () => {
    expect(baseUrl({ type: 'anthropic', base_url: 'http://127.0.0.1:1/v1' })).toBe(
      'http://127.0.0.1:1/v1',
    );
  });

  it('is null where nothing is sent', () => {
    expect(baseUrl({ type: 'offline' })).toBeNull();
    expect(baseUrl({ type: 'editor', base_url: 'http://127.0.0.1:1/v1' })).toBeNull();
  });

  it('must be given for openai_compat', () => {
    expect(() => baseUrl({ type: 'openai_compat' })).toThrow(/needs a base_url/);
  });

  it.each([
    'localhost:11434/v1',
    'ftp://localhost/v1',
    'file:///etc/passwd',
    'http:localhost/v1',
    'http://user:secret@localhost/v1',
    'http://@localhost/v1',
    'http://localhost/v1#part',
    'http://localhost/v1?key=secret',
    'http://good\\@evil/v1',
    ' http://localhost/v1',
    'http://local host/v1',
    'http://localhost:99999/v1',
    'http://',
  ])('is refused without being quoted: %s', (url) => {
    const problem = baseUrlProblem(url);
    expect(problem).not.toBeNull();
    expect(problem).not.toContain('secret');
    let thrown: unknown;
    try {
      baseUrl({ type: 'openai_compat', base_url: url });
    } catch (error) {
      thrown = error;
    }
    expect(GimoError.is(thrown, 'validation_error')).toBe(true);
  });

  it.each(['http://localhost:11434/v1', 'https://[::1]:8080', 'HTTPS://models.example.com/a@b/v1'])(
    'is accepted: %s',
    (url) => expect(baseUrlProblem(url)).toBeNull(),
  );
});
