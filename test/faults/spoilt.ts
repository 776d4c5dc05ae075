import { truncate, writeFile } from 'node:fs/promises';

/* What somebody may have put where a file of GIMO belongs. */

/** JSON that is nested deeper than a parser may follow. */
export const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

/** Writes a file of 65 MiB: more than is read, whatever it begins with. */
export async function hugeFile(path: string, begins: string): Promise<void> {
  await writeFile(path, begins);
  await truncate(path, 65 * 2 ** 20);
}
