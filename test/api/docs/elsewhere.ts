/*
 * Which test runs the commands of which page, and what of the pages cannot be run on a server on loopback: each with the
 * file that runs it, or stands in for it.
 */

/** Pages whose commands are run in one shell, from top to bottom, by pages.test.ts. */
export const ranInOneShell = [
  ...['README.md', 'CONTRIBUTING.md', 'docs/api.md', 'docs/guide.md'],
  ...['docs/recovery.md', 'docs/moving-from-python.md'],
] as const;

/** Pages with commands that a test of their own runs. */
export const ranByThemselves: Readonly<Record<string, string>> = {
  'docs/cli.md': 'test/api/cli/docs.test.ts',
  'docs/actions.md': 'test/api/operators/docs.test.ts',
  'docs/OPERATORS.md': 'test/api/operators/transcript.test.ts',
};

/** Lines that are not run here, by how they begin. */
export const elsewhere: readonly (readonly [begins: string, by: string])[] = [
  ['npm start -- --terminal', 'test/e2e/terminal.test.ts'],
  ['npm start', 'test/e2e/start.test.ts'],
  ['npm test', 'scripts/test.mjs'],
  ['npm run build', 'test/faults/setup.ts'],
  ['npm run operations', 'test/unit/docs.test.ts'],
  ['npx vitest run', 'scripts/test.mjs'],
  ['GIMO_RECORD=1', 'test/api/docs/api.test.ts'],
  // What it is an alias of is what `gimo` is in the shell of the test.
  ['echo "alias gimo=', 'test/api/docs/place.ts'],
  ['gimo serve --root ~/code/app --port 0', 'test/unit/cli/serve.test.ts'],
  ['gimo serve --public-url', 'test/unit/cli/serve.test.ts'],
];

/** The file that runs a line; undefined if it is run here. */
export const ranBy = (line: string): string | undefined =>
  elsewhere.find(([begins]) => line.trimStart().startsWith(begins))?.[1];
