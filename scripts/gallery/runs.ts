import { execFileSync } from 'node:child_process';
import { afterAll, test } from 'vitest';
import { behave, type ModelServer, startModelServer } from '../../test/fixtures/model-server.ts';
import type { Bench } from './bench.ts';
import { explain, headline, unchanged, vatOnce } from './drafts.ts';

const answer = `## Why

\`formatCents\` divides every amount by 100. The yen has no smaller unit, so an amount of 1200 is shown as ¥ 12.00.

## What to do

1. Keep the number of decimals beside the symbol of each currency.
2. Divide by \`10 ** decimals\`.
3. Add JPY to the test \`writes amounts for people\`.
`;

/** Runs in each state, in the panel. */
export function runs(now: () => Bench): void {
  const row = (view: string, text: string | RegExp) =>
    now().workbench.rows(view).filter({ hasText: text }).first();
  const group = () => now().workbench.page.locator('.part.editor');
  const badge = (word: string) =>
    now().panel.frame.locator('.badge').filter({ hasText: word }).waitFor();
  const look = async (text: string | RegExp, word: string) => {
    await row('Runs', text).click();
    await badge(word);
    await now().workbench.page.mouse.move(0, 0);
  };
  const panelOnly = { editor: true, check: () => now().panel.isAccessible() };
  let models: ModelServer | undefined;
  afterAll(() => models?.close());

  test('at a gate', async () => {
    const { approve, camera, tidy } = now();
    await approve(vatOnce({ plan_task_id: 'vat' }), true);
    await row('Runs', /Round VAT once.*waits/).waitFor();
    await tidy();
    await look(/Round VAT once.*waits/, 'Waits for you');
    camera.chapter('Runs');
    await camera.take('run-gate', {
      ...panelOnly,
      keep: [
        { caption: 'A run that waits at a gate: what was done, and what comes next if it goes on' },
        { theme: 'light', width: 'narrow', caption: 'The same, narrow', part: group() },
      ],
    });
    await now().closeAll();
  });

  test('failed', async () => {
    const { approve, camera, tidy, folder } = now();
    execFileSync('git', ['-C', folder, 'stash', '--quiet', '--include-untracked', '--', 'src']);
    await approve(unchanged, true);
    await row('Runs', /Sort the imports.*error/).waitFor();
    await tidy();
    await look(/Sort the imports/, 'Failed');
    await camera.take('run-failed', {
      ...panelOnly,
      keep: [
        {
          theme: 'light',
          caption: 'A failed run: why, at which step, and what it had written',
          part: group(),
        },
      ],
    });
    await now().closeAll();
  });

  test('undone', async () => {
    const { approve, camera, tidy, workbench, panel } = now();
    await approve(headline, true);
    await row('Runs', /Give the README.*done/).waitFor();
    await tidy();
    await look(/Give the README/, 'Done');
    await camera.take('run-done-edit', panelOnly);
    await panel.action('Undo…').click();
    await workbench.page.locator('.quick-input-widget').getByText('Yes, put them back').waitFor();
    await camera.take('question-undo', {
      keep: [{ theme: 'hc-dark', width: 'middle', caption: 'A question whose first answer is no' }],
    });
    await workbench.pick('Yes, put them back');
    await panel.frame.getByText('Put back as before the run').waitFor();
    await tidy();
    await camera.take('run-undone', {
      ...panelOnly,
      keep: [{ caption: 'A run that was undone: each file is as it was before', part: group() }],
    });
    await now().closeAll();
  });

  test('running, cancelled, done', async () => {
    const { approve, camera, tidy, send, panel, workbench } = now();
    models = await startModelServer();
    const workshop = { type: 'openai_compat', base_url: models.url, model: 'qwen3-coder' };
    await send('PUT', '/ops/provider', { active: 'workshop', providers: { workshop } });
    const ask = { ...explain, prompt: 'Say why yen amounts have two decimals' };
    models.script(behave.slow(new Promise(() => {}), 'Looking at src/format.ts and the tests …'));
    await approve(ask, true);
    await row('Runs', /Say why.*running/).waitFor();
    await tidy();
    await look(/Say why.*running/, 'Running');
    await camera.take('run-running', panelOnly);
    await panel.action('Cancel Run').click();
    await badge('Cancelled');
    await camera.take('run-cancelled', panelOnly);
    await now().closeAll();
    models.script(behave.usage(answer, 812, 96));
    await row('Approved', /Say why/).click();
    await panel.action('Run').click();
    await row('Runs', /Say why.*done/).waitFor();
    await tidy();
    await look(/Say why.*done/, 'Done');
    await panel.frame.locator('.rendered').waitFor();
    await camera.take('run-done', {
      ...panelOnly,
      keep: [
        { theme: 'light', caption: 'The answer of a model, its steps and its log', part: group() },
      ],
    });
    await now().closeAll();
    await workbench.openContainer('GIMO');
  });
}
