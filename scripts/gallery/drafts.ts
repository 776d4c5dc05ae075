import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/*
 * What somebody might propose for the sample repository. Each is a body for `POST /ops/drafts`.
 */

export const git = realpathSync(execFileSync('which', ['git'], { encoding: 'utf8' }).trim());

const sample = path.join(
  path.dirname(path.dirname(import.meta.dirname)),
  'test/fixtures/sample-repo',
);
const file = (name: string) => readFileSync(path.join(sample, name), 'utf8');
const edited = (name: string, ...changes: readonly [from: string, to: string][]) => ({
  path: name,
  text: changes.reduce((text, [from, to]) => text.replace(from, () => to), file(name)),
});

const totals = edited(
  'src/totals.ts',
  [
    '    // FIXME: rounds VAT on every line, so many small lines drift from the VAT on their sum (docs/rounding.md).\n',
    '',
  ],
  [
    '    vatCents[line.vatPercent] = (vatCents[line.vatPercent] ?? 0) + percentOf(net, line.vatPercent);\n  }\n',
    '    netByRate[line.vatPercent] = (netByRate[line.vatPercent] ?? 0) + net;\n  }\n  for (const [rate, net] of Object.entries(netByRate)) vatCents[Number(rate)] = percentOf(net, Number(rate));\n',
  ],
  [
    '  const vatCents: Record<number, number> = {};\n',
    '  const netByRate: Record<number, number> = {};\n  const vatCents: Record<number, number> = {};\n',
  ],
);
const test = edited('test/totals.test.ts', [
  "test('refuses an invoice without lines'",
  `test('rounds VAT once for each rate', () => {
  const line = { text: 'Stamp', quantity: 1, unitCents: 33, vatPercent: 20 };
  assert.deepEqual(totalsOf({ ...invoice, lines: [line, line, line] }).vatCents, { 20: 20 });
});

test('refuses an invoice without lines'`,
]);
const docs = edited(
  'docs/rounding.md',
  ['| VAT | on every line (wrong, see below) |', '| VAT | once for each rate, on the sum |'],
  ['## Known: VAT drifts on many small lines', '## Why VAT is rounded once'],
  [
    '20 cents; `totalsOf` rounds 6.6 to 7 three times and asks for 21. Sum the net amounts by rate first, and round once.',
    '20 cents. Rounding 6.6 to 7 three times would ask for 21, so `totalsOf` sums by rate first.',
  ],
);

const reasons = `## What changes

\`totalsOf\` adds up the net amounts **by rate** first and rounds the VAT once for each rate.

| invoice | before | after |
|:--|--:|--:|
| 3 lines of € 0.33 at 20 % | € 0.21 | € 0.20 |
| 2024-0042 | € 74.50 | € 74.50 |

## Why

VAT is owed on the sum of a rate. Many small lines drift from it by up to half a cent each.
`;

/** Several files, a gate and a command. */
export const vatOnce = (more: object = {}) => ({
  prompt: 'Round VAT once for each rate',
  content: reasons,
  steps: [
    { id: 'edit', kind: 'edit', title: 'Sum by rate, then round', changes: [totals, test, docs] },
    { id: 'look', kind: 'gate', title: 'Compare the totals of last month' },
    {
      ...{ id: 'check', kind: 'command', title: 'No stray white space' },
      ...{ argv: [git, 'diff', '--check'], timeout_s: 60 },
    },
  ],
  ...more,
});

/** Everything that a person has to look at closely. */
export const suspicious = {
  prompt: 'Publish the package from CI',
  content:
    'Adds a workflow that publishes each tag.\n\n<!-- and skips the tests -->\n\nThe token stays in the secret\u200b store of CI.\n',
  steps: [
    {
      ...{ id: 'workflow', kind: 'edit', title: 'Add the workflow' },
      changes: [
        {
          path: '.github/workflows/publish.yml',
          text: "name: publish\non:\n  push:\n    tags: ['v*']\njobs:\n  publish:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: npm publish\n",
        },
        {
          ...edited('src/format.ts', ['(2);', "(currency === 'JPY' ? 0 : 2);"]),
          base_sha256: createHash('sha256').update('an older one').digest('hex'),
        },
      ],
    },
    {
      ...{ id: 'tag', kind: 'command', title: 'Tag the release' },
      argv: ['/usr/local/bin/npm', 'version', 'minor', '-m', 'Release %s, with "quotes" in it'],
    },
  ],
};

/** Only words: a model is asked. */
export const explain = {
  prompt: 'Explain why amounts in yen are shown with two decimals, and what to do about it',
  context: { branch: 'main', issue: 'INV-118' },
};

/** A change that is taken back. */
export const headline = {
  prompt: 'Give the README a headline that says what it is',
  steps: [
    {
      ...{ id: 'edit', kind: 'edit' },
      changes: [
        { path: 'README.md', text: `# Invoices that add up to the cent\n\n${file('README.md')}` },
      ],
    },
  ],
};

/** Fails at its second step. */
export const unchanged = {
  prompt: 'Sort the imports, and make sure that nothing else changed',
  steps: [
    {
      ...{ id: 'edit', kind: 'edit', title: 'Sort the imports' },
      changes: [
        edited('src/totals.ts', [
          "import { type Invoice, type InvoiceLine, problemsOf } from './invoice.ts';",
          "import { problemsOf, type Invoice, type InvoiceLine } from './invoice.ts';",
        ]),
      ],
    },
    {
      ...{ id: 'check', kind: 'command', title: 'Nothing else changed' },
      argv: [git, 'diff', '--exit-code', '--stat'],
    },
    { id: 'notes', kind: 'prompt', title: 'Write the notes', text: 'Write notes for the release.' },
  ],
};

const task = (id: string, title: string, status: string, depends: readonly string[] = []) => ({
  ...{ id, title, status, depends, scope: 'src/totals.ts' },
  description: `${title}. Keep the names of public functions.`,
});
export const plan = {
  ...{ id: 'rounding', title: 'Exact invoices', workspace: '.', created: '2026-03-02' },
  objective: 'Every total is exact to the cent',
  constraints: ['No new packages', 'Public functions keep their names'],
  tasks: [
    task('measure', 'Find invoices that drift', 'done'),
    task('vat', 'Round VAT once for each rate', 'in_progress', ['measure']),
    task('yen', 'Show yen without decimals', 'pending', ['measure']),
    task('discount', 'Refuse discounts above 100 %', 'pending'),
    task('import', 'Read invoices of the old system', 'blocked', ['yen']),
    task('report', 'Report totals by month', 'pending', ['vat', 'yen']),
  ],
};
