import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { marker } from '../../../scripts/api.ts';
import { docsGate } from '../../../scripts/gates/docs.ts';
import { operationsPage, withReference } from '../../../scripts/operations.ts';

/** Looks at a repository with these pages beside what every one has. */
function faultsOf(pages: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(path.join(tmpdir(), 'gimo-docs-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['docs', 'examples', 'media']) mkdirSync(path.join(root, folder));
  const all = {
    'package.json': JSON.stringify({ scripts: { build: 'x', operations: 'x' } }),
    'docs/OPERATIONS.md': operationsPage(),
    'docs/api.md': withReference(`# API\n\n${marker}`),
    ...pages,
  };
  for (const [file, text] of Object.entries(all)) writeFileSync(path.join(root, file), text);
  return docsGate(root).faults;
}

test('links and commands that are there pass, and what stands in code is no link', () => {
  const page = [
    '# A page, of sorts',
    '[here](#a-page-of-sorts) [there](docs/OPERATIONS.md#operations) [out](https://example.org/x)',
    '`[not](one.md)` <img src="docs/OPERATIONS.md"> `npm run build`',
    '```\n[nor](this.md)\n```',
  ];
  expect(faultsOf({ 'README.md': page.join('\n\n') })).toEqual([]);
});

test.each([
  ['a file that is not there', '[x](docs/none.md)', /links to docs\/none\.md, which is not there/],
  ['a heading that is not there', '[x](docs/OPERATIONS.md#none)', /has no such heading/],
  ['a picture that is not there', '![x](media/none.png)', /media\/none\.png/],
  ['a command that is not there', 'Run `npm run none`.', /`npm run none`, which is not there/],
])('a page that names %s fails', (_what, text, fault) => {
  expect(faultsOf({ 'README.md': text })).toEqual([expect.stringMatching(fault)]);
});

test('a generated page that is not what would be generated fails', () => {
  const old = operationsPage().replace('createDraft', 'makeDraft');
  expect(faultsOf({ 'docs/OPERATIONS.md': old })).toEqual([
    'docs/OPERATIONS.md is not what `npm run operations` makes of it now.',
  ]);
});
