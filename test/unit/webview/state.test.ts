import { describe, expect, test } from 'vitest';
import { ToPanel } from '../../../src/contract/panel.ts';
import { digestOf } from '../../../src/core/digest.ts';
import {
  type Action,
  approvable,
  cancellable,
  decidable,
  editable,
  isLocked,
  mismatch,
  next,
  pausable,
  redraftable,
  resumable,
  runBlocked,
  runnable,
  type State,
  start,
  undoable,
} from '../../../webview/state.ts';

const provider = { name: 'p', type: 'offline', origin: null, model: '' } as const;

const looked = { bases: [], warnings: [], failed: null };

function draft(more: object = {}): Extract<ToPanel, { type: 'draft' }> {
  const record = { prompt: 'Do it', content: 'so', context: {}, steps: null, ...more };
  const message = ToPanel.parse({
    type: 'draft',
    draft: {
      ...{ id: 'd_1_abcdef', status: 'draft', created_at: '2026-01-01T00:00:00Z' },
      ...{ provider_resolved: provider, digest: digestOf(record, provider), ...record },
    },
    auto_run: false,
    reason_required: false,
    looked,
    locked: false,
  });
  if (message.type !== 'draft') throw new Error('It is a draft.');
  return message;
}

const run = (status: string, more: object = {}, locked = false) =>
  ToPanel.parse({
    type: 'run',
    locked,
    run: {
      id: 'r_1_abcdef',
      approved_id: 'a_1_abcdef',
      status,
      created_at: '2026-01-01T00:00:00Z',
      ...more,
    },
    approved: null,
    looked: null,
  });
const entry = (msg: string) => ({ ts: '2026-01-01T00:00:00Z', level: 'INFO', msg });

const having = (...actions: Action[]): State => actions.reduce(next, start(null));
/** As it is once the panel has drawn and hashed what it was sent. */
function shown(...messages: Extract<ToPanel, { type: 'draft' }>[]): State {
  return messages.reduce(
    (state, message) =>
      next(next(state, message), { type: 'hashed', digest: message.draft.digest ?? '' }),
    start(null),
  );
}

describe('an approval is possible', () => {
  test('once what is shown was hashed, and names both digests', () => {
    expect(approvable(having(draft()))).toBe(null);
    const { digest } = draft().draft;
    expect(approvable(shown(draft()))).toEqual({ id: 'd_1_abcdef', digest, own: digest });
  });

  test('never if the panel’s own hash is another one', () => {
    const state = having(draft(), { type: 'hashed', digest: 'f'.repeat(64) });
    expect(mismatch(state)).toBe(true);
    expect(approvable(state)).toBe(null);
    expect(decidable(state)).not.toBe(null);
  });

  test('never for a draft that is final', () => {
    for (const status of ['approved', 'rejected', 'error'])
      expect(approvable(shown(draft({ status })))).toBe(null);
  });

  test('not while something is under way, until the host answered or refused', () => {
    const busy = next(shown(draft()), { type: 'asked', what: 'Approving' });
    expect(approvable(busy)).toBe(null);
    expect(approvable(next(busy, { type: 'busy', what: null }))).not.toBe(null);
    const refused = next(busy, { type: 'refused', code: 'stale', message: 'It changed.' });
    expect(refused.refused).toBe('It changed.');
    expect(approvable(refused)).not.toBe(null);
    expect(next(refused, { type: 'asked', what: 'Approving' }).refused).toBe(null);
  });

  test('not without a server, and again when it is back', () => {
    const away = next(shown(draft()), { type: 'away', message: 'No server.' });
    expect([approvable(away), decidable(away)]).toEqual([null, null]);
    expect(away.shown).not.toBe(null);
  });
});

describe('a draft that changes under a person’s eyes', () => {
  test('cannot be approved until they say that they have read it', () => {
    const state = shown(draft(), draft({ content: 'otherwise' }));
    expect(state.changed).toEqual(['content']);
    expect(approvable(state)).toBe(null);
    const read = next(state, { type: 'read_new_version' });
    expect(read.changed).toBe(null);
    expect(approvable(read)?.digest).toBe(draft({ content: 'otherwise' }).draft.digest);
  });

  test('stays told if it changes back', () => {
    const state = shown(draft(), draft({ content: 'otherwise' }), draft());
    expect(state.changed).toEqual([]);
    expect(approvable(state)).toBe(null);
  });

  test('is not told if only the record around it did', () => {
    expect(shown(draft(), draft({ updated_at: '2026-01-02T00:00:00Z' })).changed).toBe(null);
  });

  test('is told after a reload too, since what was seen is remembered', () => {
    const { seen } = shown(draft());
    expect(next(start(seen), draft({ prompt: 'Do more' })).changed).toEqual(['prompt']);
    expect(next(start(seen), draft()).changed).toBe(null);
  });

  test('is no question any more once it is final', () => {
    expect(shown(draft(), draft({ content: 'x', status: 'rejected' })).changed).toBe(null);
  });
});

describe('a log', () => {
  test('grows by pieces, begins anew at 0, and has no gaps', () => {
    const piece = (from: number, ...entries: string[]): Action => ({
      ...{ type: 'log', run_id: 'r_1_abcdef', from, entries: entries.map(entry) },
    });
    const told = (state: State) => state.log.map(({ msg }) => msg);
    const state = having(run('running'), piece(0, 'a', 'b'), piece(2, 'c'));
    expect(told(state)).toEqual(['a', 'b', 'c']);
    expect(told(next(state, piece(9, 'x')))).toEqual(['a', 'b', 'c']);
    expect(told(next(state, piece(0, 'new')))).toEqual(['new']);
    const other: Action = { type: 'log', run_id: 'r_2_abcdef', from: 0, entries: [] };
    expect(told(next(state, other))).toEqual(['a', 'b', 'c']);
  });
});

test('only a live run can be cancelled', () => {
  const can = (status: string) => cancellable(having(run(status))) !== null;
  expect(['pending', 'running', 'paused'].map(can)).toEqual([true, true, true]);
  expect(['done', 'error', 'cancelled'].map(can)).toEqual([false, false, false]);
});

const approved = (may: boolean, locked = false) =>
  ToPanel.parse({
    type: 'approved',
    approved: {
      ...{ id: 'a_1_abcdef', draft_id: 'd_1_abcdef', prompt: 'Do it', approved_by: 'x' },
      ...{ approved_at: '2026-01-01T00:00:00Z', runnable: may, blocked_reason: null },
    },
    looked: null,
    locked,
  });

test('an artifact can be run if it may, and approved again if it may not', () => {
  const can = (may: boolean) => {
    const state = having(approved(may));
    return [runnable(state) !== null, redraftable(state) !== null];
  };
  expect([true, false].map(can)).toEqual([
    [true, false],
    [false, true],
  ]);
  const busy = next(having(approved(false)), { type: 'asked', what: 'Making a new draft' });
  expect(redraftable(busy)).toBe(null);
});

describe('in a lockdown', () => {
  test('a draft can be rejected, and neither approved nor edited, until it is over', () => {
    const can = (state: State) =>
      [approvable(state), editable(state), decidable(state)].map((one) => one !== null);
    const open = shown(draft());
    const locked = shown({ ...draft(), locked: true });
    expect([isLocked(open), isLocked(locked)]).toEqual([false, true]);
    expect([can(open), can(locked)]).toEqual([
      [true, true, true],
      [false, false, true],
    ]);
    expect(can(shown(draft(), { ...draft(), locked: true }, draft()))).toEqual([true, true, true]);
  });

  test('an artifact can neither run nor be approved again', () => {
    expect(runnable(having(approved(true, true)))).toBe(null);
    expect(redraftable(having(approved(false, true)))).toBe(null);
  });

  test('a run can be paused and cancelled, and neither resumed nor undone', () => {
    const can = (status: string, more: object = {}) => {
      const state = having(run(status, more, true));
      return [pausable, cancellable, resumable, undoable].map((one) => one(state) !== null);
    };
    expect(can('running')).toEqual([true, true, false, false]);
    expect(can('paused')).toEqual([false, true, false, false]);
    const steps = [{ id: '1', kind: 'edit', status: 'done' }];
    expect(can('done', { steps })).toEqual([false, false, false, false]);
  });
});

describe('a run', () => {
  test('can be paused until somebody asked for it, and goes on only from a pause', () => {
    const asked = (status: string, pause_requested = false) => {
      const state = having(run(status, { pause_requested }));
      return [pausable(state) !== null, resumable(state) !== null];
    };
    expect(asked('running')).toEqual([true, false]);
    expect(asked('pending')).toEqual([true, false]);
    expect(asked('running', true)).toEqual([false, false]);
    expect(asked('paused', true)).toEqual([false, true]);
    expect(asked('done')).toEqual([false, false]);
  });

  test('can be undone when it is over and an edit of it has begun', () => {
    const can = (status: string, kind: string, stands: string) =>
      undoable(having(run(status, { steps: [{ id: '1', kind, status: stands }] }))) !== null;
    expect(can('done', 'edit', 'done')).toBe(true);
    expect(can('error', 'edit', 'error')).toBe(true);
    expect(can('running', 'edit', 'done')).toBe(false);
    expect(can('cancelled', 'edit', 'skipped')).toBe(false);
    expect(can('done', 'prompt', 'done')).toBe(false);
    const steps = [{ id: '1', kind: 'edit', status: 'done' }];
    const undone_at = '2027-01-15T08:00:00.000Z';
    expect(undoable(having(run('done', { steps, undone_at })))).toBe(null);
  });
});

test('a run that could only fail is not offered with the approval, and it says why', () => {
  const warned = (...codes: string[]) => {
    const warnings = codes.map((code) => ({ code, step: '1', path: null, message: 'So.' }));
    const message = ToPanel.parse({ ...draft(), looked: { ...looked, warnings } });
    if (message.type !== 'draft') throw new Error('It is a draft.');
    return shown(message);
  };
  expect(runBlocked(warned())).toBe(null);
  expect(runBlocked(warned('base_changed', 'secret', 'unsaved'))).toBe(null);
  expect(runBlocked(warned('secret', 'command_refused'))).toContain('command');
  expect(runBlocked(warned('path_refused'))).toContain('file');
  expect(approvable(warned('command_refused', 'path_refused'))).not.toBe(null);
});
