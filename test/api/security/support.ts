import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { SecretVault } from '../../../src/core/ports.ts';
import type { Reply, TestServer } from '../harness.ts';

/** Presents a token that was never valid. */
export const asStranger = (server: TestServer, path = '/status'): Promise<Reply> =>
  server.request('GET', path, { token: randomBytes(24).toString('hex') });

/** Presents so many of them, one after the other. */
export async function guess(server: TestServer, times: number): Promise<number[]> {
  const statuses = [];
  for (let n = 0; n < times; n += 1) statuses.push((await asStranger(server)).status);
  return statuses;
}

export const lockDown = async (server: TestServer, body?: unknown): Promise<void> => {
  const reply = await server.request('POST', '/ui/security/lockdown', { role: 'operator', body });
  expect(reply.status, reply.text).toBe(200);
};

export const resolve = (server: TestServer, action = 'clear_panic'): Promise<Reply> =>
  server.request('POST', `/ui/security/resolve?action=${action}`, { role: 'operator' });

/** Whether the server says that it is locked, and how far. */
export async function lockOf(server: TestServer): Promise<{ panic_mode: boolean; level: string }> {
  const { body } = await server.request('GET', '/ui/security/events', { role: 'operator' });
  const { panic_mode, level } = Object(body);
  const status = await server.request('GET', '/status', { role: 'actions' });
  expect(Object(status.body).panic_mode).toBe(panic_mode);
  return { panic_mode, level };
}

/** Keeps tokens, and fails in a way that nobody expects when a provider's key is to be kept. */
export function brokenVault(): SecretVault {
  const kept = new Map<string, string>();
  return {
    get: async (name) => kept.get(name),
    async set(secrets) {
      for (const [name, value] of Object.entries(secrets)) {
        if (name.startsWith('provider.')) throw new Error('the keyring is gone');
        kept.set(name, value);
      }
    },
    delete: async (name) => void kept.delete(name),
  };
}
