import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const rows = readFileSync(at('docs/STATES.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('.test.ts'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, kind = '', what = '', file = '', title = '']) => ({ kind, what, file, title }));

const { contributes } = z
  .object({
    contributes: z.object({
      commands: z.array(z.object({ command: z.string() })),
      views: z.record(z.string(), z.array(z.object({ id: z.string() }))),
      walkthroughs: z.array(z.object({ steps: z.array(z.object({ id: z.string() })) })),
      languageModelTools: z.array(z.object({ name: z.string() })),
      mcpServerDefinitionProviders: z.array(z.object({ id: z.string() })),
      configuration: z.object({ properties: z.record(z.string(), z.unknown()) }),
    }),
  })
  .parse(JSON.parse(readFileSync(at('package.json'), 'utf8')));

/** What is contributed, by the kind of its rows. */
const contributed = {
  command: contributes.commands.map(({ command }) => command),
  view: Object.values(contributes.views).flatMap((views) => views.map(({ id }) => id)),
  walkthrough: contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ id }) => id)),
  tool: contributes.languageModelTools.map(({ name }) => name),
  mcp: contributes.mcpServerDefinitionProviders.map(({ id }) => id),
  setting: Object.keys(contributes.configuration.properties),
};

describe('docs/STATES.md', () => {
  test.each(Object.entries(contributed))('has a row for each %s', (kind, ids) => {
    const told = rows.filter((row) => row.kind === kind).map(({ what }) => what);
    expect(ids.filter((id) => !told.some((what) => what.startsWith(`\`${id}\``)))).toEqual([]);
  });

  test('names nothing that is not contributed', () => {
    const known: readonly string[] = Object.values(contributed).flat();
    const named = rows
      .filter(({ kind }) => Object.hasOwn(contributed, kind))
      .flatMap(({ what }) => /^`([\w.]+)`/.exec(what)?.[1] ?? []);
    expect(named.filter((id) => !known.includes(id))).toEqual([]);
  });

  test('rests on the real workbench, and says why where it does not', () => {
    const others = rows.filter(({ file }) => !/^test\/(host|e2e)\//.test(file));
    expect(others.filter(({ what }) => !what.includes('(unit: '))).toEqual([]);
  });

  test.each(rows)('$kind, $what: $file has the test that it names', ({ file, title }) => {
    expect(existsSync(at(file)), file).toBe(true);
    // As the first argument, whichever way the call is broken into lines.
    expect(readFileSync(at(file), 'utf8')).toMatch(
      new RegExp(`(['"])${title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\1,`),
    );
  });
});
