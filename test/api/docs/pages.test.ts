import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { marker } from '../../../scripts/api.ts';
import { Plan } from '../../../src/contract/records.ts';
import { blocksOf } from './blocks.ts';
import { ranBy, ranInOneShell } from './elsewhere.ts';
import { bundle, makeHome, repository, scriptOf } from './place.ts';

let bundled: string;
beforeAll(async () => {
  bundled = await mkdtemp(join(tmpdir(), 'gimo-docs-bundle-'));
  await bundle(bundled);
});
afterAll(() => rm(bundled, { recursive: true, force: true }));

/* Milliseconds. Each command is a process of its own, and the machine may be busy. */
const patience = { timeout: 300_000 };

/** A page, without the examples that api.test.ts runs one by one. */
async function readPage(page: string): Promise<string> {
  const text = await readFile(join(repository, page), 'utf8');
  return text.split(marker)[0] ?? '';
}

describe('every command of a page works, from top to bottom', () => {
  const outputs = new Map<string, string>();

  test.each(ranInOneShell)('%s', patience, async (page) => {
    const home = await makeHome(bundled);
    onTestFinished(() => home.dispose());
    const script = scriptOf(await readPage(page), (line) => ranBy(line) !== undefined);
    const { code, out } = await home.run(script);
    expect(code, out).toBe(0);
    expect(out).toMatch(/== end\n$/);
    outputs.set(page, out);
  });

  test('what docs/recovery.md says that they tell is what they tell', async () => {
    const page = await readPage('docs/recovery.md');
    const out = outputs.get('docs/recovery.md') ?? '';
    const told = [...page.matchAll(/^gimo .*?# ([A-Z].*\.)$/gm)].map(([, text = '']) => text);
    expect(told.length).toBeGreaterThan(0);
    for (const text of told) expect(out).toContain(text);
    const verified = [...page.matchAll(/^gimo audit verify/gm)].length;
    expect(out.match(/^audit +whole$/gm)).toHaveLength(verified);
  });
});

test('the plan of the user guide is one', async () => {
  const plan = blocksOf(await readPage('docs/guide.md')).find(({ word }) => word === 'plan.json');
  expect(Plan.parse(JSON.parse(plan?.text ?? '')).tasks).toHaveLength(2);
});
