import { test } from 'vitest';
import { type Bench, draftNamed } from './bench.ts';
import { explain, git, plan, suspicious, vatOnce } from './drafts.ts';

/** The review panel with drafts and artifacts, and diffs. */
export function reviews(now: () => Bench): void {
  const row = (view: string, text: string | RegExp) =>
    now().workbench.rows(view).filter({ hasText: text }).first();
  const group = () => now().workbench.page.locator('.part.editor');
  const open = async (view: string, text: string | RegExp, title: string) => {
    const { workbench, panel } = now();
    await row(view, text).click();
    await panel.title.filter({ hasText: title }).waitFor();
    await workbench.page.mouse.move(0, 0);
  };
  const panelOnly = { editor: true, check: () => now().panel.isAccessible() };

  test('a program and an approval that will expire', async () => {
    const { connect, send, approve, camera, tidy, workbench } = now();
    await connect();
    await send('PUT', '/ops/plan', plan);
    await send('PUT', '/ops/config', { approval_ttl_minutes: 1 });
    await approve({ ...explain, prompt: 'Show yen without decimals' });
    await tidy();
    await now().closeAll();
    const config = {
      approval_ttl_minutes: 0,
      command_allowlist: [{ program: git, args_prefix: ['diff'] }],
    };
    await send('PUT', '/ops/config', config);
    await workbench.toast(/asks to change/).waitFor();
    camera.chapter('Notifications and questions');
    await camera.take('toast-asks', { widths: ['wide', 'narrow'] });
    await workbench.run('Notifications: Show Notifications');
    const asked = workbench.page
      .locator('.notifications-center .notification-list-item')
      .filter({ hasText: 'asks to change' })
      .first();
    await asked.hover();
    await asked.getByRole('button', { name: 'Review' }).click();
    await workbench.page.locator('.quick-input-widget').getByText('command_allowlist').waitFor();
    await camera.take('question-config', {
      keep: [{ theme: 'light', caption: 'What a client asks to change, in full; Enter says no' }],
    });
    await workbench.pick('Allow');
    await workbench.page.getByText('The configuration is changed, as you allowed.').waitFor();
    await tidy();
  });

  test('a draft that waits, and the notification of it', async () => {
    const { propose, camera, tidy, workbench, panel } = now();
    await propose(suspicious);
    await propose(explain);
    await propose(vatOnce());
    await workbench.toast(/wait/).waitFor();
    await camera.take('toast-waits', { widths: ['wide', 'narrow'] });
    await open('Drafts', 'Round VAT once', 'Round VAT once');
    await panel.action('Approve').waitFor();
    await camera.take('toast-over-panel', { widths: ['wide', 'middle'] });
    await tidy();
    await panel.action('Approve').waitFor();
    camera.chapter('The review panel');
    await camera.take('draft', {
      ...panelOnly,
      keep: [
        { caption: 'A draft that waits: what it would do, and the buttons that decide' },
        { theme: 'light', width: 'narrow', caption: 'The same in a narrow window', part: group() },
        { theme: 'hc-dark', caption: 'The same in high contrast' },
      ],
    });
    await panel.evaluate('document.getElementById("step-0").scrollIntoView()');
    await camera.take('draft-steps', {
      ...panelOnly,
      keep: [{ theme: 'light', caption: 'Its steps, each change as a diff', part: group() }],
    });
    await panel.evaluate('scrollTo(0, 1e6)');
    await camera.take('draft-end', { ...panelOnly, keep: [] });
  });

  test('the diff', async () => {
    const { camera, panel, workbench } = now();
    await panel.action('Open Diff').click();
    await workbench.page
      .locator('.monaco-diff-editor .modified .view-line')
      .filter({ hasText: 'netByRate' })
      .first()
      .waitFor();
    await camera.take('diff', {
      keep: [
        { caption: 'The diff of a draft in the editor: the workspace now, and what it would be' },
      ],
    });
    await now().closeAll();
  });

  test('warnings, and rejecting', async () => {
    const { camera, panel, workbench } = now();
    await open('Drafts', 'Publish the package', 'Publish the package');
    await panel.action('Approve').waitFor();
    await camera.take('warnings', {
      ...panelOnly,
      keep: [
        { theme: 'light', caption: 'What has to be looked at stands first, counted' },
        {
          theme: 'hc-light',
          width: 'narrow',
          caption: 'The same, narrow, in high contrast',
          part: group(),
        },
      ],
    });
    await panel.evaluate('document.getElementById("step-0").scrollIntoView()');
    await camera.take('warnings-steps', panelOnly);
    await panel.evaluate('scrollTo(0, 1e6)');
    await camera.take('warnings-end', panelOnly);
    await panel.evaluate('scrollTo(0, 0)');
    await panel.action('Reject…').click();
    await workbench.page.keyboard.type('Releases are tagged by hand');
    await camera.take('rejecting', {
      ...panelOnly,
      keep: [{ theme: 'dark', width: 'middle', caption: 'A rejection says why', part: group() }],
    });
    await panel.frame.getByRole('button', { name: 'Keep It' }).click();
  });

  test('a stale draft, and a rejected one', async () => {
    const { camera, panel, workbench, send } = now();
    const { id } = await draftNamed(now(), 'Publish the package');
    await send('PUT', `/ops/drafts/${id}`, { content: 'Adds a workflow that publishes each tag.' });
    await panel.frame.getByText('I Have Read the New Version').waitFor();
    await panel.evaluate('scrollTo(0, 0)');
    await camera.take('stale', {
      ...panelOnly,
      keep: [
        {
          ...{ theme: 'dark', part: group() },
          caption:
            'A draft that changed while it was read cannot be approved until it was read again',
        },
      ],
    });
    await panel.frame.getByText('I Have Read the New Version').click();
    await panel.action('Reject…').click();
    await workbench.page.keyboard.type('Releases are tagged by hand');
    await panel.action('Reject Draft').click();
    await panel.frame.locator('.said').filter({ hasText: 'tagged by hand' }).waitFor();
    await camera.take('rejected', panelOnly);
    await now().closeAll();
  });

  test('a draft in words alone', async () => {
    const { camera, panel } = now();
    await open('Drafts', 'Explain why amounts', 'Explain why amounts');
    await panel.action('Approve').waitFor();
    await camera.take('words-alone', panelOnly);
    await now().closeAll();
  });

  test('approved, and its artifact', async () => {
    const { camera, panel, approve, tidy, workbench } = now();
    await approve(vatOnce({ prompt: 'Round VAT once, for March' }));
    await tidy();
    await camera.take('approved-draft', panelOnly);
    await open('Approved', 'for March', 'for March');
    await panel.action('Run').waitFor();
    await camera.take('artifact', {
      ...panelOnly,
      keep: [{ theme: 'hc-light', caption: 'An approved artifact: sealed, and run from here' }],
    });
    await now().closeAll();
    await workbench.openContainer('GIMO');
  });
}
