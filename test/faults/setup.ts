import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Builds what ships before the first of these tests, unless it stands and no source is newer. */
export function setup(): void {
  const repository = join(import.meta.dirname, '../..');
  const cli = join(repository, 'dist', 'cli.js');
  const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => statSync(join(repository, 'src', file)).mtimeMs);
  if (existsSync(cli) && statSync(cli).mtimeMs > Math.max(...sources)) return;
  execFileSync(process.execPath, [join(repository, 'esbuild.mjs')], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
