import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../../src/contract/records.ts';
import { gimo } from './gimo.ts';
import { digest, draft, draftId } from './records.ts';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
afterEach(() => wire.close());

/** Runs a command at a terminal, and does something as soon as it asks. */
async function asked(args: string[], answer: (typing: PassThrough, signals: EventEmitter) => void) {
  wire = await startWire({
    [`GET /ops/drafts/${draftId}`]: () => ({ body: draft() }),
    [`GET /ops/drafts/${draftId}/review`]: () => ({ body: { digest, warnings: [] } }),
    'GET /ops/config': () => ({ body: defaultConfig }),
    'GET /ops/provider': () => ({ body: { active: 'x', providers: {} } }),
    'PUT /ops/provider': ({ body }) => ({ body }),
  });
  const [typing, signals, told] = [new PassThrough(), new EventEmitter(), new EventEmitter()];
  const wrote = (text: string) => told.emit(/Type yes|Key/.test(text) ? 'question' : 'text');
  const options = { url: wire.url, columns: 80, typing, signals, wrote, env: { NO_COLOR: '1' } };
  const ended = gimo(args, options);
  await once(told, 'question');
  await new Promise((resolve) => setImmediate(resolve));
  answer(typing, signals);
  return { ...(await ended), listening: signals.listenerCount('SIGINT') };
}
const changing = () => wire.seen.filter(({ method }) => method !== 'GET');
const add = ['provider', 'add', 'mine', '--type', 'gemini', '--model', 'm'];

describe('Ctrl-C at a question ends with 130, and nothing was done', () => {
  test('at a yes or no', async () => {
    const told = await asked(['approve', draftId], (_, signals) => signals.emit('SIGINT'));
    expect([told.code, told.listening, changing()]).toEqual([130, 0, []]);
    expect(told.err).toMatch(/Type yes\n\n?gimo: Nothing was approved\.\n$/);
  });

  test('at a key, where the terminal hands it over as a character', async () => {
    const told = await asked(add, (typing) => typing.write('abc\u0003'));
    expect([told.code, told.listening, changing()]).toEqual([130, 0, []]);
    expect(told.err).toContain('gimo: Nothing was changed.');
    expect(told.out + told.err).not.toContain('abc');
  });
});

test('a key is taken as it was mended, and none of it is shown', async () => {
  const told = await asked(add, (typing) => typing.write('k-12x\u007f34\r'));
  expect(told.code).toBe(0);
  expect(changing()[0]?.body).toMatchObject({ providers: { mine: { api_key: 'k-1234' } } });
  expect(told.out + told.err).not.toContain('k-1');
});

test('the end of the input is a no', async () => {
  const told = await asked(['approve', draftId], (typing) => typing.end());
  expect([told.code, changing()]).toEqual([1, []]);
});
