import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, openDoor } from '../../../scripts/start/door.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'gimo-door-'));
const behind = createServer((request, response) => response.end(`behind ${request.url}`));
behind.on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
  socket.pipe(socket);
});
let door: Door;
let origin: string;
let cookie: string;

beforeAll(async () => {
  const socket = path.join(dir, 'socket');
  behind.listen(socket);
  await once(behind, 'listening');
  door = await openDoor(socket);
  origin = new URL(door.address).origin;
});
afterAll(() => {
  door.close();
  behind.close();
  behind.closeAllConnections();
  rmSync(dir, { recursive: true, force: true });
});

test('the secret opens it once, and goes on in a cookie that other sites cannot use', async () => {
  const answer = await fetch(`${door.address}&folder=%2Fx`, { redirect: 'manual' });
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toBe('/?folder=%2Fx');
  const given = answer.headers.get('set-cookie') ?? '';
  expect(given).toMatch(/; HttpOnly; SameSite=Strict$/);
  cookie = given.split(';')[0] ?? '';
  const inside = await fetch(`${origin}/a?b=c`, { headers: { cookie } });
  expect(await inside.text()).toBe('behind /a?b=c');
});

test('without it nobody gets in, not over a web socket either', async () => {
  for (const at of ['/', '/?key=', `/?key=${'0'.repeat(48)}`, '/?folder=%2Fx'])
    expect((await fetch(`${origin}${at}`, { redirect: 'manual' })).status).toBe(403);
  const wrong = { cookie: cookie.replace(/=.*/, '=0') };
  expect((await fetch(origin, { headers: wrong })).status).toBe(403);
  await expect(upgrade({})).rejects.toThrow();
});

test('a web socket with the cookie is handed on, both ways', async () => {
  const socket = await upgrade({ cookie });
  socket.write('hello');
  const [echoed] = await once(socket, 'data');
  expect(String(echoed)).toBe('hello');
  socket.destroy();
});

function upgrade(headers: Record<string, string>): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = get(origin, { headers: { connection: 'Upgrade', upgrade: 'echo', ...headers } });
    asked.on('upgrade', (_answer, socket) => resolve(socket));
    asked.on('error', reject);
  });
}
