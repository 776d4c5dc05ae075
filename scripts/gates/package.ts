import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { vsixOf } from './sizes.ts';
import type { Verdict } from './verdict.ts';

const Manifest = z.object({ scripts: z.object({ package: z.string().startsWith('vsce ') }) });

/** The extension is packaged as `npm run package` does it, and a warning counts as a fault. */
export function packageGate(root: string): Verdict {
  const vsix = vsixOf(root);
  mkdirSync(path.dirname(vsix), { recursive: true });
  rmSync(vsix, { force: true });
  const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const [, ...args] = Manifest.parse(manifest).scripts.package.split(' ');
  const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
  const ran = spawnSync(process.execPath, [vsce, ...args, '--out', vsix], {
    cwd: root,
    encoding: 'utf8',
  });
  const lines = `${ran.stdout}\n${ran.stderr}`.split('\n').map((line) => line.trim());
  const faults = lines.filter((line) => /^(?:WARNING|ERROR)\b/.test(line));
  if (ran.status !== 0 && faults.length === 0) faults.push(`vsce ended with ${ran.status}.`);
  const made = lines.find((line) => line.startsWith('DONE')) ?? '';
  const figures = /\((.*)\)/.exec(made)?.[1] ?? 'nothing made';
  return { faults, what: `vsce package without a warning: ${figures}` };
}
