import { expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { codeOf, unlessGone } from '../../../src/editor/messages.ts';

test('an error is known by its code, whichever bundle its class came from', () => {
  expect(codeOf(new GimoError('stale', 'It has changed.'))).toBe('stale');
  expect(codeOf(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBeNull();
  expect(codeOf('stale')).toBeNull();
});

test('of a record that is gone there is nothing, and any other refusal stays one', async () => {
  expect(await unlessGone(Promise.resolve('there'))).toBe('there');
  const gone = Promise.reject(new GimoError('not_found', 'It is not there.'));
  expect(await unlessGone(gone)).toBeNull();
  const refused = Promise.reject(new GimoError('stale', 'It may not be read.'));
  await expect(unlessGone(refused)).rejects.toThrow('may not be read');
});
