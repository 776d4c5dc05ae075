import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { faultLayer } from './place.ts';

const repository = join(import.meta.dirname, '../..');

/** Builds what ships before the first of these tests, unless it stands and no source is newer. */
export async function setup(): Promise<void> {
  buildWhatShips();
  // As one file of JavaScript: hundreds of servers load it.
  await build({
    ...{ absWorkingDir: repository, entryPoints: ['test/faults/fault-layer.ts'] },
    ...{ outfile: faultLayer, bundle: true, minify: true, platform: 'node', format: 'esm' },
    ...{ target: 'node20', logLevel: 'warning' },
  });
}

function buildWhatShips(): void {
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
