import { describe, expect, it } from 'vitest';
import type { Role } from '../../../src/contract/operation.ts';
import { type Config, defaultConfig } from '../../../src/contract/records.ts';
import { createAsking } from '../../../src/core/asking.ts';
import type { Call } from '../../../src/core/handlers.ts';
import { configChanges } from '../../../src/core/policy.ts';
import type { Person, Question } from '../../../src/core/work.ts';

const by = (role: Role): Call => ({
  ...{ principal: { role, actor: `${role}:0123456789ab` }, correlationId: 'c' },
  ...{ source: 'api', ifMatch: undefined },
});
const texts = [{ kind: 'prompt' as const }, { kind: 'gate' as const }];
const effects = [{ kind: 'prompt' as const }, { kind: 'edit' as const }];
type Channel = Config['approval_channel'];

/** A person who answers when the test says so. */
function patient() {
  const asked: { question: Question; over: () => void; fail: (error: Error) => void }[] = [];
  const person: Person = {
    ask: (question) =>
      new Promise((over, fail) => {
        asked.push({ question, over, fail });
      }),
  };
  return { person, asked };
}

function asking(
  hostedBy: 'editor' | 'headless',
  approval_channel: Channel,
  person: Person | null = patient().person,
) {
  const told: string[] = [];
  const config = () => ({ ...defaultConfig, approval_channel });
  const logger = { log: (_level: string, message: string) => void told.push(message) };
  return { ...createAsking({ person, settings: { config }, hostedBy, logger }), told };
}

const draft = (id: string): Question => ({
  ...{ about: 'approve', draft: { id, prompt: 'Do it' }, actor: 'operator:0123456789ab' },
});
const run = (id: string, at = 'g'): Question => ({
  about: 'resume',
  run: { id, steps: [{ ...waiting, id: at }] },
  actor: 'operator:0123456789ab',
});
const waiting = {
  ...({
    kind: 'gate',
    status: 'running',
    started_at: null,
    finished_at: null,
    result: null,
  } as const),
};

describe('who decides', () => {
  it.each<[string, 'editor' | 'headless', Channel, boolean | string, boolean | string]>([
    ['an editor, auto', 'editor', 'auto', false, true],
    ['an editor, any', 'editor', 'any', false, false],
    ['an editor, editor', 'editor', 'editor', true, true],
    ['none, auto', 'headless', 'auto', false, false],
    ['none, any', 'headless', 'any', false, false],
    ['none, editor', 'headless', 'editor', 'editor_required', 'editor_required'],
  ])('where the host is %s', (_name, hostedBy, channel, ofTexts, ofEffects) => {
    const { needsEditor } = asking(hostedBy, channel);
    const decided = (role: Role, steps: typeof texts | typeof effects | null) => {
      try {
        return needsEditor(by(role), steps);
      } catch (error) {
        return Object(error).code;
      }
    };
    for (const role of ['operator', 'admin'] as const) {
      expect(decided(role, null)).toBe(ofTexts);
      expect(decided(role, texts)).toBe(ofTexts);
      expect(decided(role, effects)).toBe(ofEffects);
    }
    for (const steps of [null, texts, effects]) expect(decided('editor', steps)).toBe(false);
  });

  it('is nobody where an editor has to, and cannot be asked', () => {
    const { needsEditor, needsEditorForPolicy } = asking('editor', 'auto', null);
    expect(() => needsEditor(by('admin'), effects)).toThrow(/Do it there/);
    expect(() => needsEditorForPolicy(by('admin'))).toThrow(/Do it there/);
    expect(needsEditor(by('editor'), effects)).toBe(false);
    expect(needsEditorForPolicy(by('editor'))).toBe(false);
  });

  it('about who may approve, is the editor wherever there is one', () => {
    for (const channel of ['auto', 'any', 'editor'] as const) {
      expect(asking('editor', channel).needsEditorForPolicy(by('admin'))).toBe(true);
      expect(asking('editor', channel).needsEditorForPolicy(by('editor'))).toBe(false);
      expect(asking('headless', channel).needsEditorForPolicy(by('admin'))).toBe(false);
    }
  });
});

describe('a question', () => {
  it('is asked by the effect, not before, and answers at once', async () => {
    const { person, asked } = patient();
    const prepared = asking('editor', 'auto', person).ask('d_1', draft('d_1'));
    expect([prepared.target, prepared.asked, asked]).toEqual(['d_1', true, []]);
    expect(await prepared.effect()).toEqual({ body: { pending: 'editor' }, changes: [] });
    expect(asked.map(({ question }) => question)).toEqual([draft('d_1')]);
  });

  it('is open once, whoever asks how often, and again when it is over', async () => {
    const { person, asked } = patient();
    const { ask } = asking('editor', 'auto', person);
    const again = () => ask('d_1', draft('d_1')).effect();
    await Promise.all([again(), again(), again()]);
    expect(asked).toHaveLength(1);
    await ask('d_2', draft('d_2')).effect();
    await ask('d_1', run('d_1')).effect();
    expect(asked).toHaveLength(3);
    asked[0]?.over();
    await new Promise(setImmediate);
    await again();
    expect(asked).toHaveLength(4);
  });

  it('about another gate of the same run is another question', async () => {
    const { person, asked } = patient();
    const { ask } = asking('editor', 'auto', person);
    for (const at of ['g', 'g', 'h']) await ask('r_1', run('r_1', at)).effect();
    expect(asked.map(({ question }) => question)).toEqual([run('r_1', 'g'), run('r_1', 'h')]);
  });

  it('that could not be asked is told to the log, and can be asked again', async () => {
    const { person, asked } = patient();
    const { ask, told } = asking('editor', 'auto', person);
    await ask('d_1', draft('d_1')).effect();
    asked[0]?.fail(new Error('the window is gone'));
    await new Promise(setImmediate);
    expect(told).toEqual(['the person could not be asked (approve): Error: the window is gone']);
    await ask('d_1', draft('d_1')).effect();
    expect(asked).toHaveLength(2);
  });

  it('is refused when a hundred are open, unless it is one of them', async () => {
    const { ask } = asking('editor', 'auto');
    for (let n = 0; n < 100; n += 1) await ask(`d_${n}`, draft(`d_${n}`)).effect();
    expect(() => ask('d_100', draft('d_100'))).toThrow(/100 questions wait/);
    expect((await ask('d_7', draft('d_7')).effect()).body).toEqual({ pending: 'editor' });
  });
});

describe('what would change in a configuration', () => {
  const git = { program: '/usr/bin/git', args_prefix: ['log', '--oneline'] };
  const npm = { program: '/usr/bin/npm', args_prefix: [] };
  const changes = (before: Partial<Config>, after: Partial<Config>) =>
    configChanges({ ...defaultConfig, ...before }, { ...defaultConfig, ...after });

  it('is told a line each, and nothing else', () => {
    expect(changes({}, {})).toEqual([]);
    expect(changes({}, { approval_channel: 'any', max_concurrent_runs: 9 })).toEqual([
      'max_concurrent_runs: 3 → 9',
      'approval_channel: auto → any',
    ]);
  });

  it('names programs so that one argument cannot read as two', () => {
    expect(changes({ command_allowlist: [npm] }, { command_allowlist: [git] })).toEqual([
      'command_allowlist: adds "/usr/bin/git" with arguments that begin with ["log","--oneline"]',
      'command_allowlist: takes out "/usr/bin/npm" with any arguments',
    ]);
    expect(changes({ command_allowlist: [git, npm] }, { command_allowlist: [npm, git] })).toEqual([
      'command_allowlist: the same programs in another order',
    ]);
  });
});
