import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Verdict } from './verdict.ts';

/*
 * The licences of what is bundled: each one of those that the project may ship, with its text among the notices. What is
 * bundled is read from the metafile of the build, not from the list that the notices were made of.
 */

/** SPDX names of licences that ask for no more than to be named and shipped with their text. */
const allowed = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'],
]);
/** A notice shorter than this names a licence, and does not hold its text. */
const shortestText = 300;

const Metafile = z.object({
  outputs: z.record(z.string(), z.object({ inputs: z.record(z.string(), z.unknown()) })),
});
const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
});
type Manifest = z.infer<typeof Manifest>;

/** All that is bundled may ship, and ships with its licence. */
export function licencesGate(root: string): Verdict {
  const packages = bundledPackages(root);
  const notices = readFileSync(path.join(root, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
  const found = [...new Set(packages.map(({ license }) => license ?? 'none'))].sort();
  return {
    faults: licenceFaults(packages, notices),
    what: `${packages.length} bundled packages with their texts, under ${found.join(', ')}`,
  };
}

/** The packages that something of is bundled from. */
export function bundledPackages(root: string): Manifest[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  const { outputs } = Metafile.parse(read('dist/metafile.json'));
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const dirs = inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(dirs)].sort().map((dir) => Manifest.parse(read(`${dir}/package.json`)));
}

/** @returns a sentence for each package that may not ship like this */
export function licenceFaults(packages: readonly Manifest[], notices: string): string[] {
  if (packages.length === 0) return ['The build names no package, which cannot be.'];
  const texts = textsOf(notices);
  return packages.flatMap(({ name, version, license }) => {
    const title = `${name} ${version}`;
    const faults: string[] = [];
    if (!allowed.has(license ?? ''))
      faults.push(`${title} is under ${license ?? 'no licence'}, which is not one that may ship.`);
    const text = texts.get(title);
    if (text === undefined) faults.push(`${title} does not stand in THIRD_PARTY_NOTICES.txt.`);
    else if (text.length < shortestText)
      faults.push(`THIRD_PARTY_NOTICES.txt names the licence of ${title} without its text.`);
    return faults;
  });
}

/** What stands below each title. */
function textsOf(notices: string): Map<string, string> {
  const sections = notices.split(`\n${'-'.repeat(72)}\n\n`);
  return new Map(
    sections.map((section) => {
      const [title = '', ...text] = section.split('\n');
      return [title, text.join('\n').trim()];
    }),
  );
}
