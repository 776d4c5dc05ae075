import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { faultLayer } from './made.ts';
import { openPlace } from './place.ts';

const repository = join(import.meta.dirname, '../..');

/** Builds what ships before the first of these tests, unless it stands and no source is newer. */
export async function setup(): Promise<void> {
  buildWhatShips();
  // As one file of JavaScript: hundreds of servers load it.
  await build({
    ...{ absWorkingDir: repository, outdir: dirname(faultLayer), outExtension: { '.js': '.mjs' } },
    ...{ entryPoints: ['test/faults/fault-layer.ts', 'test/faults/hull-process.ts'] },
    ...{ bundle: true, minify: true, platform: 'node', format: 'esm', target: 'node20' },
    logLevel: 'warning',
  });
  // One that comes to its end leaves what Node has compiled to those that are killed.
  const place = await openPlace();
  try {
    const server = await place.start({ loss: null, seed: 1 });
    await server.client.call('getStatus', {});
    await server.signal('SIGTERM');
  } finally {
    await place.dispose();
  }
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
