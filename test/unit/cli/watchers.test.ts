import { afterEach, describe, expect, test } from 'vitest';
import { gimo } from './gimo.ts';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
afterEach(() => wire.close());

describe('audit verify', () => {
  for (const [verdict, at, code, words] of [
    ['whole', null, 0, 'none is missing'],
    ['modified', 7, 1, 'Entry 7 is not as it was written'],
    ['truncated', 9, 1, 'after entry 9 is gone'],
    ['unwitnessed', 8, 1, 'Entries after 8 fit'],
  ] as const)
    test(`${verdict} ends with ${code}`, async () => {
      wire = await startWire({ 'GET /ops/audit/verify': () => ({ body: { verdict, at } }) });
      const told = await gimo(['audit', 'verify'], { url: wire.url });
      expect(told.code).toBe(code);
      expect(told.out).toContain(words);
      const raw = await gimo(['audit', 'verify', '--json'], { url: wire.url });
      expect([raw.code, JSON.parse(raw.out)]).toEqual([code, { verdict, at }]);
    });
});

test('audit shows the last entries, and a line that is none as it stands', async () => {
  const entry = (seq: number) =>
    JSON.stringify({
      ...{ seq, ts: '2026-11-23T12:00:00.5Z', correlation_id: 'c', actor: 'admin:1' },
      ...{ operation: 'setConfig', target: null, outcome: 'done', request: null, mac: 'm' },
    });
  const lines = [entry(1), entry(2), 'torn\u001b[2J'];
  wire = await startWire({ 'GET /ui/audit': () => ({ body: { lines } }) });
  const { code, out } = await gimo(['audit', '--limit', '2'], { url: wire.url });
  expect(code).toBe(0);
  expect(out.trimEnd().split('\n')).toHaveLength(3);
  expect(out).toMatch(/2 +2026-11-23T12:00:00Z +admin:1 +setConfig +done/);
  expect(out).toMatch(/\? +no entry +torn\\u\{001B\}\[2J/);
});

test('resolve tells what the lock was', async () => {
  const event = {
    ...{ ts: '2026-11-23T12:00:00Z', type: 'lockdown', level: 'all', actor: 'operator:1' },
    ...{ correlation_id: 'c', reason: 'leak\u001b[2J' },
  };
  wire = await startWire({
    'GET /ui/security/events': () => ({
      body: { panic_mode: true, level: 'all', events: [event] },
    }),
    'POST /ui/security/resolve': () => ({ body: { status: 'panic cleared' } }),
  });
  const { code, out } = await gimo(['resolve'], { url: wire.url });
  expect(code).toBe(0);
  expect(out).toContain('by operator:1, lockdown: leak\\u{001B}[2J');
  expect(wire.seen.at(-1)?.body).toEqual({ action: 'clear_panic' });
});
