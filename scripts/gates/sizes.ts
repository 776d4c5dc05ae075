import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import sizes from './sizes.json' with { type: 'json' };
import type { Verdict } from './verdict.ts';

/*
 * How large what ships may be. sizes.json holds the limits, in bytes, each beside what the size was when the limit was
 * last decided: `activation` is what the editor loads to activate, `host` all code outside of the panel whenever it is
 * loaded, `panel` the script and the stylesheet of the review panel, `package` what is installed. esbuild.mjs fails
 * beyond them as well.
 */

type Sizes = Partial<Record<keyof typeof sizes, number>>;
const names = ['activation', 'host', 'panel', 'package'] as const;

/** Where the gate of the package leaves what it made. */
export const vsixOf = (root: string) => path.join(root, 'test-results', 'gimo.vsix');

/** Nothing that a build and a package left in `root` is larger than it may be. */
export function sizesGate(root: string): Verdict {
  const found = measure(root);
  const kb = (bytes: number) => Math.round(bytes / 1000).toLocaleString('en');
  const figures = names.map(
    (name) => `${name} ${kb(found[name] ?? 0)} of ${kb(sizes[name].limit)} KB`,
  );
  return { faults: sizeFaults(found), what: figures.join(', ') };
}

/** @returns a sentence for each size that is beyond its limit, or could not be measured */
export function sizeFaults(found: Sizes): string[] {
  return names.flatMap((name) => {
    const { limit, was } = sizes[name];
    const bytes = found[name] ?? 0;
    if (bytes === 0) return [`There is no ${name} to measure.`];
    if (bytes <= limit) return [];
    return [`The size of ${name} is ${bytes} bytes; the limit is ${limit}, and it was ${was}.`];
  });
}

function measure(root: string): Sizes {
  const dist = path.join(root, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => /\.(?:c?js|css)$/.test(file));
  const sum = (wanted: (file: string) => boolean) =>
    files.filter(wanted).reduce((total, file) => total + statSync(path.join(dist, file)).size, 0);
  const isPanel = (file: string) => file.startsWith('webview/');
  const vsix = vsixOf(root);
  return {
    activation: sum((file) => file === 'extension.cjs'),
    host: sum((file) => !isPanel(file)),
    panel: sum(isPanel),
    package: existsSync(vsix) ? statSync(vsix).size : 0,
  };
}
