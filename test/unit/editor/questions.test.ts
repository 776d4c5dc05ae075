import { describe, expect, test } from 'vitest';
import type { Question } from '../../../src/core/work.ts';
import { answered } from '../../../src/editor/answered.ts';
import {
  createOpenQuestions,
  type QuestionUi,
} from '../../../src/editor/questions/openQuestions.ts';
import {
  changeRows,
  questionText,
  severalAsk,
} from '../../../src/editor/questions/questionText.ts';
import { publicUrlOf } from '../../../src/editor/server/publicUrl.ts';
import { startServer } from '../../api/harness.ts';
import { runWhen } from '../../api/runs/support.ts';

const actor = 'operator:0123456789ab';
const approve = (id: string, prompt = 'Rename the helper'): Question => ({
  ...{ about: 'approve', draft: { id, prompt }, actor },
});
const config = (accept: () => Promise<void>): Question => ({
  ...{ about: 'config', actor, changes: ['approval_channel: auto → any'], accept },
});

describe('what a question says', () => {
  test('who asks, and for what', () => {
    expect(questionText(approve('d_1'), null)).toBe(`${actor} asks to approve: Rename the helper`);
    const run: Question = { about: 'resume', run: { id: 'r_1_abcdef', steps: [] }, actor };
    expect(questionText(run, 'Rename the helper')).toBe(
      `${actor} asks to let run "Rename the helper" go on.`,
    );
    expect(questionText(run, null)).toBe(`${actor} asks to let run r_1_abcdef go on.`);
    expect(
      questionText(
        config(async () => {}),
        null,
      ),
    ).toBe(`${actor} asks to change who may approve or which programs may run.`);
  });

  test('is one line, cut, in which what others wrote is no link and hides nothing', () => {
    const long = questionText(approve('d_1', `a\n${'b'.repeat(200)}`), null);
    expect(long).toMatch(/^\S+ asks to approve: a b{77}…$/);
    const link = 'See [the plan](command:workbench.action.quit)';
    expect(questionText(approve('d_1', link), null)).toContain(
      '[the plan] (command:workbench.action.quit)',
    );
    expect(questionText(approve('d_1', 'a\u202eb'), null)).toContain('a\\u{202E}b');
  });

  test('of a configuration is shown whole, however long it is', () => {
    const change = `command_allowlist: adds "/usr/bin/${'x'.repeat(200)}"`;
    const rows = changeRows([change, 'a: 1 → 2\n']);
    expect(rows.every((row) => [...row].length <= 82)).toBe(true);
    expect(rows.slice(0, -1).join('').replaceAll('┆ ', '')).toBe(change);
    expect(rows.at(-1)).toBe('a: 1 → 2\\n');
  });
});

test('an answer that is only a question is no answer in the editor', () => {
  expect(answered({ id: 'r' })).toEqual({ id: 'r' });
  expect(() => answered({ pending: 'editor' })).toThrow(/Decide it there/);
});

/** A window whose person answers when the test says so. */
function windowOf() {
  const told: { text: string; press: (review: boolean) => void }[] = [];
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  let chosen: number | null = 0;
  let allowed = false;
  let quiet = false;
  const counts: number[] = [];
  const ui: QuestionUi = {
    quiet: () => quiet,
    requests: (count) => void counts.push(count),
    notify: (text) =>
      new Promise((press) => {
        told.push({ text, press });
        for (const tell of waiting.splice(0)) tell();
      }),
    async choose(texts) {
      log.push(`choose ${texts.length}`);
      return chosen;
    },
    review: ({ kind, id }) => void log.push(`review ${kind} ${id}`),
    async allows(_text, changes) {
      log.push(`allows ${changes.join()}`);
      return allowed;
    },
    told: (text) => void log.push(text),
    failed: (error) => void log.push(`failed ${String(error)}`),
    note: (error) => void log.push(`noted ${String(error)}`),
  };
  /** Resolves when so many notifications have been shown. */
  const shown = async (count: number) => {
    while (told.length < count) await new Promise<void>((tell) => waiting.push(tell));
    return told;
  };
  return {
    ...{ questions: createOpenQuestions(ui), told, log, shown, counts },
    silence: () => {
      quiet = true;
    },
    choosing: (index: number | null) => {
      chosen = index;
    },
    allowing: () => {
      allowed = true;
    },
  };
}

async function connected() {
  const server = await startServer({ hostedBy: 'editor' });
  const window = windowOf();
  window.questions.connect(server.host);
  const draft = async (prompt = 'Rename the helper') =>
    (await server.host.client.call('createDraft', { prompt })).id;
  return { server, draft, ...window };
}

describe('the questions of a window', () => {
  test('one is told by itself, and over when the panel is opened', async () => {
    const { questions, shown, log, draft } = await connected();
    const id = await draft();
    const asked = questions.ask(approve(id));
    const [notification] = await shown(1);
    expect(notification?.text).toBe(`${actor} asks to approve: Rename the helper`);
    notification?.press(true);
    await asked;
    expect(log).toEqual([`review draft ${id}`]);
  });

  test('that is dismissed is over, and is told again when it is asked again', async () => {
    const { questions, shown, log, draft } = await connected();
    const id = await draft();
    for (const n of [1, 2]) {
      const asked = questions.ask(approve(id));
      (await shown(n))[n - 1]?.press(false);
      await asked;
    }
    expect(log).toEqual([]);
  });

  test('several at once are one notification, and the rest of them the next', async () => {
    const { questions, shown, told, log, choosing, draft } = await connected();
    const ids = await Promise.all([draft(), draft(), draft()]);
    const asked = ids.map((id) => questions.ask(approve(id)));
    const [first] = await shown(1);
    expect(first?.text).toBe(severalAsk);
    choosing(1);
    first?.press(true);
    await asked[1];
    expect(log).toEqual(['choose 3', `review draft ${ids[1]}`]);
    const [, second] = await shown(2);
    choosing(null);
    second?.press(true);
    await Promise.all(asked);
    expect(log.at(-1)).toBe('choose 2');
    expect(told).toHaveLength(2);
  });

  test('a later one is told together with one that is open; dismissing the older tells nothing', async () => {
    const { questions, shown, log, draft } = await connected();
    const [one, two] = [await draft(), await draft()];
    const asked = [questions.ask(approve(one))];
    const [first] = await shown(1);
    asked.push(questions.ask(approve(two)));
    const [, second] = await shown(2);
    expect(second?.text).toBe(severalAsk);
    first?.press(false);
    await new Promise(setImmediate);
    second?.press(true);
    await asked[0];
    expect(log).toEqual(['choose 2', `review draft ${one}`]);
  });

  test('one that is decided elsewhere is over', async () => {
    const { server, questions, shown, log, draft } = await connected();
    const id = await draft();
    const asked = questions.ask(approve(id));
    const [notification] = await shown(1);
    await server.host.client.call('rejectDraft', { draft_id: id });
    await asked;
    notification?.press(true);
    await new Promise(setImmediate);
    expect(log).toEqual(['What was asked is decided already.']);
  });

  test('one about a gate is decided when the run is at another, whoever reviews it then', async () => {
    const { server, questions, shown, log } = await connected();
    const { client } = server.host;
    const steps = ['g', 'h'].map((id) => ({ id, kind: 'gate' as const }));
    const { id: draft_id } = await client.call('createDraft', { prompt: 'x', steps });
    const { run } = answered(await client.call('approveDraft', { draft_id, auto_run: true }));
    const atGate = (id: string) =>
      runWhen(server, run?.id ?? '', ({ status, steps: now }) => {
        const at = now.find((step) => step.status !== 'done')?.id;
        return status === 'paused' && at === id;
      });
    const asked = await atGate('g');
    await client.call('resumeRun', { run_id: asked.id, step: 'g' });
    const now = await atGate('h');
    for (const [n, one] of [asked, now].entries()) {
      const over = questions.ask({ about: 'resume', run: one, actor });
      (await shown(n + 1))[n]?.press(true);
      await over;
    }
    expect(log).toEqual(['What was asked is decided already.', `review run ${run?.id}`]);
  });

  test('all are over when the server is gone', async () => {
    const { questions, shown, draft } = await connected();
    const asked = questions.ask(approve(await draft()));
    await shown(1);
    questions.connect(null);
    await asked;
  });

  test('one that the server asks before the window knows it is told as well', async () => {
    const { questions, shown, log } = windowOf();
    const server = await startServer({ hostedBy: 'editor' });
    const asked = questions.ask(approve('d_1'));
    questions.connect(server.host);
    (await shown(1))[0]?.press(true);
    await asked;
    expect(log).toEqual(['review draft d_1']);
  });

  test('a configuration is changed after a yes to the list, and only then', async () => {
    const { questions, shown, log, allowing } = await connected();
    const accepted: string[] = [];
    const accept = async () => void accepted.push('yes');
    const refused = questions.ask(config(accept));
    (await shown(1))[0]?.press(true);
    await refused;
    expect([log, accepted]).toEqual([['allows approval_channel: auto → any'], []]);
    allowing();
    const allowed = questions.ask(config(accept));
    (await shown(2))[1]?.press(true);
    await allowed;
    expect(accepted).toEqual(['yes']);
    expect(log.at(-1)).toBe('The configuration is changed, as you allowed.');
    const failing = questions.ask(
      config(async () => {
        throw new Error('locked down');
      }),
    );
    (await shown(3))[2]?.press(true);
    await failing;
    expect(log.at(-1)).toBe('failed Error: locked down');
  });

  test('without notifications it stays open, is counted, and is found when the person comes to it', async () => {
    const { questions, told, log, counts, silence, choosing, allowing, draft } = await connected();
    silence();
    const accepted: string[] = [];
    const id = await draft();
    const one = questions.ask(config(async () => void accepted.push('yes')));
    const other = questions.ask(approve(id));
    // Until both are asked: the second one's title is looked up first.
    while (!questions.asksAbout({ kind: 'draft', id })) await new Promise(setImmediate);
    choosing(null);
    await questions.review();
    expect(log).toEqual(['choose 2']);
    expect(counts).toEqual([1, 1]);
    choosing(0);
    allowing();
    await questions.review();
    await one;
    expect(accepted).toEqual(['yes']);
    expect(counts.at(-1)).toBe(0);
    await questions.review();
    await other;
    expect(log.at(-1)).toBe(`review draft ${id}`);
    await questions.review();
    expect(log.at(-1)).toBe('What was asked is decided already.');
    expect(told).toEqual([]);
  });
});

describe('the setting of a public address', () => {
  test.each([undefined, null, '', '  '])('%j is none', (setting) => {
    expect(publicUrlOf(setting)).toBeNull();
  });

  test.each([
    ['https://gimo.example.com', 'https://gimo.example.com'],
    [' https://Gimo.Example.com/ ', 'https://gimo.example.com'],
    ['http://gimo.example.com:8080', 'http://gimo.example.com:8080'],
    ['https://gimo.example.com:443', 'https://gimo.example.com'],
  ])('%s is taken', (setting, origin) => {
    expect(publicUrlOf(setting)).toBe(origin);
  });

  test.each([
    ...['gimo.example.com', 'ftp://gimo.example.com', 'https://gimo.example.com/path', 7, true, {}],
    ...['https://me:secret@gimo.example.com', 'https://gimo.example.com/?q', 'https://x/#a', '*'],
  ])('%j is refused, and what stands there is not repeated', (setting) => {
    expect(() => publicUrlOf(setting)).toThrow(
      /gimo\.publicUrl has to be an address such as https:\/\/gimo\.example\.com: http or https/,
    );
  });
});
