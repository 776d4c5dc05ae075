import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { behave, type ModelServer, startModelServer } from '../fixtures/model-server.ts';
import { openPanelBench, type PanelBench } from './panelPage.ts';

/* From a sentence to changed files, with a model in the middle: proposed, read, approved, run, and taken back. */

const greet = "exports.greet = (name) => 'Helo, ' + name;\r\n";
let bench: PanelBench;
let models: ModelServer;

beforeAll(async () => {
  models = await startModelServer();
  bench = await openPanelBench('generate-steps', {
    'src/greet.js': greet,
    'private/notes.txt': 'Not for clients.\n',
  });
  const test = { type: 'openai_compat', base_url: models.url, model: 'test-model' };
  await bench.send('PUT', '/ops/provider', { active: 'test', providers: { test } });
  await bench.send('PUT', '/ui/allowlist', { paths: [{ path: 'src', expires_at: null }] });
});

afterAll(async () => {
  await bench?.workbench.screenshot('generate-steps-last');
  await bench?.workbench.close();
  await models?.close();
});

const file = (name: string) => path.join(bench.folder, name);

test('a proposal of the model changes files once a person has approved exactly that', async () => {
  const { workbench, panel } = bench;
  models.script(
    behave.steps(
      {
        ...{ id: 'fix', kind: 'edit', title: 'Fix the typo' },
        changes: [
          { path: 'src/greet.js', text: "exports.greet = (name) => 'Hello, ' + name;\n" },
          { path: 'docs/greet.md', text: '# Greeting\n' },
        ],
      },
      { id: 'look', kind: 'gate', title: 'Is this right?' },
    ),
  );
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer('Fix the typo in the greeting');
  await workbench.pick('Steps that change files');
  await workbench.rows('Drafts').filter({ hasText: 'Fix the typo' }).waitFor();
  const asked = JSON.stringify(models.requests.at(-1)?.body);
  expect(asked).toContain('src/greet.js');
  expect(asked).toContain('Helo, ');
  expect(asked).not.toContain('Not for clients');

  await bench.review('Fix the typo in the greeting');
  await panel.action('Approve & Run').waitFor();
  expect(await panel.frame.locator('.file').count()).toBe(2);
  await workbench.screenshot('generate-steps-review');
  expect(readFileSync(file('src/greet.js'), 'utf8')).toBe(greet);
  await panel.action('Approve & Run').click();

  await workbench.rows('Runs').filter({ hasText: 'Fix the typo' }).first().waitFor();
  await panel.action('Continue').click();
  await workbench
    .rows('Runs')
    .filter({ hasText: /Fix the typo.*done/ })
    .waitFor();
  expect(readFileSync(file('src/greet.js'), 'utf8')).toBe(greet.replace('Helo', 'Hello'));
  expect(readFileSync(file('docs/greet.md'), 'utf8')).toBe('# Greeting\n');
});

test('the run is taken back, to the byte', async () => {
  const { workbench } = bench;
  await workbench.run('GIMO: Undo Run');
  await workbench.pick('Fix the typo');
  await workbench.pick('Yes, put them back');
  await workbench.toast(/2 files are as before the run/).waitFor();
  expect(readFileSync(file('src/greet.js'), 'utf8')).toBe(greet);
  expect(existsSync(file('docs'))).toBe(false);
});
