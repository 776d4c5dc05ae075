import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeSample } from '../../../scripts/sample.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import type { RepoFacts } from '../../../src/core/repo-ports.ts';
import type { ModelRequest } from '../../../src/core/work.ts';
import { answerOffline, searchWords } from '../../../src/providers/offline.ts';
import { createRepoFacts } from '../../../src/repo/facts.ts';

let parent: string;
let facts: RepoFacts;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'gimo-offline-'));
  await makeSample(join(parent, 'sample'));
  facts = createRepoFacts(join(parent, 'sample'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

const request = (text: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
  text,
  audience: 'person',
  signal: new AbortController().signal,
  ...more,
});
const prompt = 'Why does the VAT drift on small invoices?\nFix the rounding.';
const execution = [
  'Execute the following approved operation:',
  '--- PROMPT ---',
  prompt,
  '--- CONTENT ---',
  'Some plan.',
  'Provide the execution result.',
].join('\n\n');

it('a plan names the state of the repository and the lines that match', async () => {
  const { text, usage } = await answerOffline(facts, request(prompt));
  expect(usage).toBeNull();
  expect(text).toMatch(/^# Plan to fill in\n\nNo model was asked/);
  expect(text).toContain('> Why does the VAT drift on small invoices?\n> Fix the rounding.');
  expect(text).toContain('- Branch: `main`\n- Changed files: 0\n- Files to read: 9\n');
  expect(text).toMatch(/`src\/totals\.ts:\d+`\n\n {6}\/\/ FIXME: rounds VAT on every line/);
  expect(text).toContain('## Steps\n\n1. ');
});

it('the same request and files give the same text, in the same pieces', async () => {
  const told = async () => {
    const pieces: string[] = [];
    const { text } = await answerOffline(
      facts,
      request(prompt, { onText: (piece) => pieces.push(piece) }),
    );
    expect(pieces.join('')).toBe(text);
    return pieces;
  };
  const pieces = await told();
  expect(pieces.length).toBeGreaterThan(2);
  expect(await told()).toEqual(pieces);
});

it('a client gets no facts, and is told so', async () => {
  const untouched: RepoFacts = {
    overview: () => Promise.reject(new Error('was read')),
    matches: () => Promise.reject(new Error('was read')),
  };
  for (const text of [prompt, execution]) {
    const answer = await answerOffline(untouched, request(text, { audience: 'client' }));
    expect(answer.text).toContain('No facts of the repository were used');
    expect(answer.text).not.toContain('Lines that match');
  }
});

it('an execution says what was approved and that nothing else was done', async () => {
  const { text } = await answerOffline(facts, request(execution));
  expect(text).toMatch(/^# Recorded\n\nNo model was asked, so nothing was done besides recording/);
  expect(text).toContain('## What was approved\n\n> Why does the VAT drift');
  expect(text).not.toContain('--- PROMPT ---');
  expect(text).toContain('src/totals.ts:');
});

it('code in a line cannot end the code it is shown in', async () => {
  const odd: RepoFacts = {
    overview: async () => ({ branch: 'a`b', changed: 0, files: 1 }),
    matches: async () => [{ file: 'x`.md', line: 1, content: '``` drift' }],
  };
  const { text } = await answerOffline(odd, request('drift'));
  expect(text).toContain('- Branch: `` a`b ``');
  expect(text).toContain('- `` x`.md:1 ``\n\n      ``` drift\n');
});

it('a request without words of its own is answered too', async () => {
  const { text } = await answerOffline(facts, request('do it'));
  expect(text).toContain('The request holds no word to look for.');
});

it('a repository that is gone is a provider_error', async () => {
  const gone = createRepoFacts(join(parent, 'gone'));
  const error: unknown = await answerOffline(gone, request(prompt)).catch((thrown) => thrown);
  expect(GimoError.is(error, 'provider_error')).toBe(true);
});

it('an abort in the middle throws its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('cancelled');
  const asked = answerOffline(
    facts,
    request(prompt, { signal: stop.signal, onText: () => stop.abort(reason) }),
  );
  await expect(asked).rejects.toBe(reason);
});

it('search words are lower case, each once, at most twelve, without common ones', () => {
  expect(searchWords('Fix the VAT, the vat and Rounding 2024 in ab')).toEqual(['vat', 'rounding']);
  expect(searchWords('alpha beta1 gamma_x '.repeat(3))).toEqual(['alpha', 'beta1', 'gamma_x']);
  expect(searchWords(Array.from({ length: 40 }, (_, n) => `word${n}`).join(' '))).toHaveLength(12);
});
