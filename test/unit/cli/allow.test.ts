import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gimo, type Options } from './gimo.ts';
import { startWire, type Wire } from './wire.ts';

/* It is 12:00 for the command line, see gimo.ts. */
const at = (time: string) => `2026-11-23T${time}:00.000Z`;
const src = { path: 'src', type: 'dir', expires_at: at('14:30') };
const kept = { path: 'src', expires_at: at('14:30') };

let wire: Wire;
let paths: unknown[];
beforeEach(async () => {
  paths = [src];
  wire = await startWire({
    'GET /ui/allowlist': () => ({ body: { paths } }),
    'PUT /ui/allowlist': () => ({ body: { paths: [] } }),
  });
});
afterEach(() => wire.close());

const run = (args: string[], options: Options = {}) =>
  gimo(['allow', ...args], { url: wire.url, ...options });
const put = () => wire.seen.filter(({ method }) => method === 'PUT').map(({ body }) => body);

describe('without a path', () => {
  test('it lists what may be read and until when, and changes nothing', async () => {
    paths = [src, { path: '.', type: 'dir', expires_at: '9999-12-31T23:59:59.000Z' }];
    const { code, out } = await run([]);
    expect([code, put()]).toEqual([0, []]);
    expect(out).toMatch(/^src +dir +2h +2026-11-23T14:30:00\.000Z$/m);
    expect(out).toMatch(/^\. +dir +taken back$/m);
  });
  test('it says so where that is nothing, and gives the answer itself to a script', async () => {
    const json = await run(['--json']);
    expect(JSON.parse(json.out)).toEqual({ paths: [src] });
    paths = [];
    expect((await run([])).out).toBe('Clients may read nothing.\n');
  });
  test('a time or --remove is for something: a usage error, and nothing is sent', async () => {
    expect((await run(['--remove'])).code).toBe(2);
    expect((await run(['--for', '2h'])).code).toBe(2);
    expect(wire.all).toEqual([]);
  });
});

describe('a path', () => {
  test('is allowed for an hour beside those that are', async () => {
    expect((await run(['docs', './docs/'])).code).toBe(0);
    expect(put()).toEqual([{ paths: [kept, { path: 'docs', expires_at: at('13:00') }] }]);
  });
  test.each([
    ['30m', at('12:30')],
    ['2h', at('14:00')],
    ['7d', '2026-11-30T12:00:00.000Z'],
  ])('that is allowed already is from now on for %s', async (time, expires_at) => {
    await run(['src', '--for', time]);
    expect(put()).toEqual([{ paths: [{ path: 'src', expires_at }] }]);
  });
  test.each(['0m', '2', '2w', '1.5h', 'ever'])('is not allowed for "%s"', async (time) => {
    const { code, err } = await run(['src', '--for', time]);
    expect([code, wire.all]).toEqual([2, []]);
    expect(err).toContain('Write it as 30m, 2h or 7d.');
  });
});

describe('--remove', () => {
  test('takes a path back, and leaves the others', async () => {
    paths = [src, { ...src, path: 'docs' }];
    expect((await run(['--remove', 'docs/'])).code).toBe(0);
    expect(put()).toEqual([{ paths: [kept] }]);
  });
  test('refuses what is not on the list, and tells the folder that lets it be read', async () => {
    const inside = await run(['src/a.ts', '--remove']);
    const none = await run(['docs', '--remove']);
    expect([inside.code, none.code, put()]).toEqual([1, 1, []]);
    expect(inside.err).toContain('gimo allow --remove src');
    expect(none.err).toContain('docs is not on the list; nothing was changed.');
  });
});
