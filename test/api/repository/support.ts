import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { TokenRole } from '../../../src/core/principals.ts';
import type { Reply, TestServer } from '../harness.ts';

/** Writes files below a folder, with the folders they need. */
export async function writeFiles(root: string, files: Record<string, string | Uint8Array>) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

/** An instant in so many seconds. */
export const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

/** Allows these paths for an hour. */
export async function allow(server: TestServer, ...paths: string[]): Promise<Reply> {
  const body = { paths: paths.map((path) => ({ path, expires_at: inSeconds(3600) })) };
  const reply = await server.request('PUT', '/ui/allowlist', { role: 'admin', body });
  expect(reply.status, reply.text).toBe(200);
  return reply;
}

/** Asks as the weakest role, with a query. */
export function ask(
  server: TestServer,
  path: string,
  query: Record<string, string | number | boolean> = {},
  role: TokenRole = 'actions',
): Promise<Reply> {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) text.set(name, String(value));
  return server.request('GET', `${path}?${text}`, { role });
}

const run = promisify(execFile);
const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];

/** Runs git in a folder, without anybody's own settings. */
export async function git(root: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const { stdout } = await run('git', ['-C', root, ...who, ...args], { env });
  return stdout.trim();
}

/** Commits everything that lies in a folder, `.env` files and all. */
export async function commit(root: string, message: string): Promise<string> {
  await git(root, 'add', '--force', '--all', '--', '.', ':!.orch_data');
  await git(root, 'commit', '--quiet', '--message', message);
  return git(root, 'rev-parse', 'HEAD');
}
