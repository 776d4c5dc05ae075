import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { operationsPage, withReference } from '../../scripts/operations.ts';
import { ErrorBody, errorStatus } from '../../src/contract/errors.ts';
import { ChangeEvent } from '../../src/contract/events.ts';
import { Pending } from '../../src/contract/operation.ts';
import { blocksOf } from '../api/docs/blocks.ts';
import { elsewhere, ranBy, ranByThemselves, ranInOneShell } from '../api/docs/elsewhere.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const markdown = (dir: string) =>
  readdirSync(join(root, dir)).filter((name) => name.endsWith('.md'));
const pages = [...markdown('.'), ...markdown('docs').map((name) => `docs/${name}`)];

/** The anchors of a page's headings, as they are made where Markdown is shown. */
const anchorsOf = (text: string) =>
  [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(
    ([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
  );

/** Where the links and pictures of a page lead, outside of its code. */
const linksOf = (text: string) =>
  [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to = '']) => to)
    .filter((to) => !/^[a-z]+:/.test(to));

describe('the links of', () => {
  test.each(pages)('%s lead to a file, and to a heading of it', (page) => {
    for (const link of linksOf(read(page))) {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(root, file)), link).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(file)), link).toContain(anchor);
    }
  });
});

describe('what `npm run operations` makes is up to date:', () => {
  test('docs/OPERATIONS.md', () => expect(read('docs/OPERATIONS.md')).toBe(operationsPage()));
  test('docs/api.md', () => {
    const page = read('docs/api.md');
    expect(page).toBe(withReference(page));
  });
});

const schemas: Readonly<Record<string, z.ZodType>> = { ErrorBody, Pending, ChangeEvent };

describe('the code of', () => {
  test.each(pages)('%s is run by a test, and its JSON is JSON', (page) => {
    const ran = [...ranInOneShell, ...Object.keys(ranByThemselves)];
    for (const { language, word, text } of blocksOf(read(page))) {
      expect(['sh', 'json', 'text', ''], text).toContain(language);
      if (language === 'sh') expect(ran, text).toContain(page);
      if (language === 'json') {
        const value: unknown = JSON.parse(text);
        expect(schemas[word]?.safeParse(value).error, text).toBeUndefined();
      }
      if (language !== '') continue;
      // A figure, or something that a terminal shows; commands among them stand in the list.
      for (const line of text.split('\n'))
        if (/^(?:gimo|npm|npx|curl) /.test(line)) expect(ranBy(line), line).toBeDefined();
    }
  });

  test('no page is run that is not there, by no test that is not there', () => {
    for (const page of ranInOneShell) expect(pages).toContain(page);
    for (const [page, file] of Object.entries(ranByThemselves)) {
      if (pages.includes(page)) expect(read(file)).toContain(page);
    }
    for (const [, file] of elsewhere) expect(existsSync(join(root, file)), file).toBe(true);
  });
});

test('every code that docs/api.md names is one', () => {
  const [, head = ''] = /## Errors\n([\s\S]*?)\n## /.exec(read('docs/api.md')) ?? [];
  const codes = [...head.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(8);
  for (const code of codes)
    expect([...Object.keys(errorStatus), 'correlation_id'], code).toContain(code);
});

test('every test that SECURITY.md and ARCHITECTURE.md name is there', () => {
  const named = [...read('SECURITY.md').matchAll(/`((?:api|unit|faults)\/[\w/-]+)`/g)].map(
    ([, name = '']) => `test/${name}`,
  );
  const kept = [...read('ARCHITECTURE.md').matchAll(/`((?:test|src)\/[\w/.-]+)`/g)];
  expect(named.length).toBeGreaterThan(10);
  expect(kept.length).toBeGreaterThan(7);
  for (const path of [...named, ...kept.map(([, path = '']) => path)])
    expect(existsSync(join(root, path)) || existsSync(join(root, `${path}.test.ts`)), path).toBe(
      true,
    );
});

test('every file of src that ARCHITECTURE.md names is there', () => {
  const files = [
    ...read('ARCHITECTURE.md').matchAll(
      /`((?:contract|core|http|editor|cli|providers|store|execution|webview|scripts)\/[\w/.-]*)`/g,
    ),
  ];
  expect(files.length).toBeGreaterThan(15);
  for (const [, file = ''] of files)
    expect(
      ['src', '.'].some((dir) => existsSync(join(root, dir, file))),
      file,
    ).toBe(true);
});

const Manifest = z.object({
  contributes: z.object({
    commands: z.array(z.object({ title: z.string() })),
    configuration: z.object({ properties: z.record(z.string(), z.unknown()) }),
  }),
});

describe('the names of package.json:', () => {
  const { contributes } = Manifest.parse(JSON.parse(read('package.json')));

  test('every setting stands in the user guide', () => {
    const guide = read('docs/guide.md');
    for (const name of Object.keys(contributes.configuration.properties))
      expect(guide).toContain(`| \`${name}\` |`);
  });

  test.each(pages)('every command that %s names is one', (page) => {
    const titles = contributes.commands.map(({ title }) => `GIMO: ${title}`);
    for (const [, title = ''] of read(page).matchAll(/\*(GIMO: [^*]+)\*/g))
      expect(titles).toContain(title.replaceAll(/\s+/g, ' '));
  });
});
