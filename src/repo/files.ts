import type { Dirent } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { systemCode } from '../core/system-error.ts';
import { isDenied } from './denied.ts';
import { readOnly } from './flags.ts';

const mostBytes = 1024 * 1024;
const nulWindow = 8 * 1024;
const mostListed = 50_000;

// Other programs move and delete files while we look, and some are not ours to read.
const expected = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'EISDIR', 'ENXIO']);

const expectedCode = (error: unknown): boolean => expected.has(systemCode(error) ?? '');

/**
 * Reads a text file of the repository.
 *
 * @param realRoot the repository's folder as `realpath` gives it
 * @param path relative to it
 * @returns null for what must not or cannot be shown: denied names, anything but a plain file, a symlink or a path
 *   through one that leads out, more than 1 MiB, a NUL in the first 8 KiB, invalid UTF-8, gone
 */
export async function readText(realRoot: string, path: string): Promise<string | null> {
  if (isDenied(path)) return null;
  const full = join(realRoot, path);
  try {
    const seen = await lstat(full);
    if (!seen.isFile() || seen.size > mostBytes) return null;
    const real = await realpath(full);
    const inside = relative(realRoot, real);
    if (inside === '' || isAbsolute(inside) || isDenied(inside)) return null;
    const bytes = await readPlain(real, seen.ino, seen.dev);
    if (bytes === null || bytes.subarray(0, nulWindow).includes(0)) return null;
    return decoded(bytes);
  } catch (error) {
    if (expectedCode(error)) return null;
    throw error;
  }
}

/** Reads the file that was looked at, and not one that has taken its place since. */
async function readPlain(real: string, ino: number, dev: number): Promise<Buffer | null> {
  const handle = await open(real, readOnly);
  try {
    const now = await handle.stat();
    if (!now.isFile() || now.ino !== ino || now.dev !== dev || now.size > mostBytes) return null;
    const bytes = Buffer.alloc(now.size);
    const { bytesRead } = await handle.read(bytes, 0, now.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * Lists the files below a folder without git: nearest first, symlinks not followed, denied names left out, at most
 * 50,000.
 *
 * @returns paths relative to `root`, with `/`
 * @throws whatever reading `root` itself throws
 */
export async function walk(root: string, signal?: AbortSignal): Promise<string[]> {
  const files: string[] = [];
  let folders = [''];
  let seen = 0;
  while (folders.length > 0 && seen < mostListed) {
    const next: string[] = [];
    for (const folder of folders) {
      signal?.throwIfAborted();
      for (const entry of await entries(root, folder)) {
        seen += 1;
        if (seen > mostListed) return files;
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (isDenied(path)) continue;
        if (entry.isDirectory()) next.push(path);
        else if (entry.isFile()) files.push(path);
      }
    }
    folders = next;
  }
  return files;
}

async function entries(root: string, folder: string): Promise<Dirent[]> {
  try {
    const found = await readdir(join(root, folder), { withFileTypes: true });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (folder !== '' && expectedCode(error)) return [];
    throw error;
  }
}

/**
 * The names that may be shown, each once, sorted, with `/`. Works in slices, so that a repository with very many files
 * does not block.
 */
export async function shown(paths: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  for (let at = 0; at < paths.length && found.size < mostListed; at += 2000) {
    signal?.throwIfAborted();
    for (const path of paths.slice(at, at + 2000)) if (!isDenied(path)) found.add(path);
    await breathe();
  }
  return [...found].map((path) => (sep === '/' ? path : path.replaceAll(sep, '/'))).sort();
}
