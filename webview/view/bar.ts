import type { FromPanel } from '../../src/contract/panel.ts';
import {
  type ApprovedMessage,
  approvable,
  cancellable,
  type DraftMessage,
  decidable,
  editable,
  isLocked,
  redraftable,
  runBlocked,
  runnable,
  type State,
} from '../state.ts';
import { type ButtonLook, button, progressRing } from '../toolkit/controls.ts';
import { banner, type Child, h, keepFocus } from './dom.ts';
import { short, titleOf } from './header.ts';
import { createRejection } from './rejection.ts';
import { runButtons, runWords } from './runBar.ts';

/** The bar at the bottom, which is always in sight: what would be decided, and the decisions. */
export interface Bar {
  element: HTMLElement;
  /** @param folded how much of the page is folded, in words; empty if nothing is */
  update(state: State, folded: string): void;
}

/** @param ask carries a message to the host, after which nothing can be pressed until it answers */
export function createBar(
  ask: (what: string, message: FromPanel) => void,
  post: (message: FromPanel) => void,
): Bar {
  const element = h('footer', { class: 'bar', 'aria-label': 'Decision' });
  const notices = h('div', { class: 'bar-notices' });
  const row = h('div', { class: 'bar-row' });
  const rejection = createRejection({
    reject: (id, reason) => ask('Rejecting', { type: 'reject', draft_id: id, reason }),
    closed: () => row.querySelector<HTMLElement>('[data-key="reject"]')?.focus(),
  });
  element.append(notices, rejection.element, row);
  let drawn = '';

  return {
    element,
    update(state, folded) {
      rejection.update(decidable(state), state.busy !== null);
      const signature = JSON.stringify([
        ...[state.refused, state.busy, state.shown?.type, folded, approvable(state)],
        ...[decidable(state), runnable(state)?.approved.id, cancellable(state)?.run.id],
        ...[state.shown?.type === 'run' && state.shown.run, waits(state), runBlocked(state)],
        ...[state.shown?.type === 'approved' && state.shown.approved.runnable, isLocked(state)],
      ]);
      if (signature === drawn) return;
      drawn = signature;
      keepFocus(row, () => row.replaceChildren(...rowOf(state, folded)));
      notices.replaceChildren(
        ...(state.refused === null ? [] : [banner('error', 'alert', h('p', {}, state.refused))]),
      );
      element.hidden = row.childElementCount === 0 && notices.childElementCount === 0;
    },
  };

  function rowOf(state: State, folded: string): HTMLElement[] {
    const { shown } = state;
    const buttons = (...looks: ButtonLook[]) =>
      h('div', { class: 'bar-buttons' }, ...looks.map(button));
    if (shown?.type === 'draft' && shown.draft.status === 'draft')
      return [named(shown, state, folded), buttons(...draftButtons(shown, state))];
    if (shown?.type === 'approved')
      return [
        busyOr(state, h('span', {}, titleOf(shown.approved.prompt))),
        buttons(artifactButton(shown, state)),
      ];
    if (shown?.type === 'run') {
      const looks = runButtons(shown, state, ask);
      return looks.length === 0 ? [] : [busyOr(state, runWords(shown)), buttons(...looks)];
    }
    return [];
  }

  /** What can no longer run as it was approved can be approved again, as a new draft. */
  function artifactButton({ approved }: ApprovedMessage, state: State): ButtonLook {
    const approved_id = approved.id;
    if (approved.runnable)
      return {
        ...{ label: 'Run', kind: 'primary', key: 'run', disabled: runnable(state) === null },
        press: () => ask('Starting a run', { type: 'run', approved_id }),
      };
    return {
      ...{ label: 'Approve Again', kind: 'primary', key: 'redraft' },
      title: 'Approve Again: makes a new draft of it, which waits for you',
      disabled: redraftable(state) === null,
      press: () => ask('Making a new draft', { type: 'redraft', approved_id }),
    };
  }

  function draftButtons(shown: DraftMessage, state: State): ButtonLook[] {
    const { draft, auto_run } = shown;
    const yes = approvable(state);
    const blocked = runBlocked(state);
    const no = decidable(state) === null;
    const what = `“${titleOf(draft.prompt)}”, digest ${short(draft.digest ?? '')}`;
    const approve = (run: boolean): ButtonLook => ({
      label: run ? 'Approve & Run' : 'Approve',
      title: run ? `Approve & Run ${what}` : `Approve ${what}`,
      kind: run === (auto_run && blocked === null) ? 'primary' : 'secondary',
      key: run ? 'approve-run' : 'approve',
      disabled: yes === null || (run && blocked !== null),
      press: () => {
        if (yes === null) return;
        const named = { draft_id: yes.id, digest: yes.digest, shown_digest: yes.own };
        ask(run ? 'Approving and starting' : 'Approving', { type: 'approve', ...named, run });
      },
    });
    const id = draft.id;
    return [
      approve(false),
      approve(true),
      { label: 'Reject…', key: 'reject', disabled: no, press: () => rejection.open() },
      {
        ...{ label: 'Edit', key: 'edit', disabled: editable(state) === null },
        press: () => post({ type: 'edit', draft_id: id }),
      },
      {
        ...{ label: 'Open Diff', key: 'diff', disabled: no },
        press: () => post({ type: 'open_diff', draft_id: id }),
      },
    ];
  }
}

/** Whether nothing can be approved only because the new version has to be read first. */
const waits = (state: State) => state.changed !== null;

function named({ draft }: DraftMessage, state: State, folded: string): HTMLElement {
  const blocked = runBlocked(state);
  return busyOr(
    state,
    h(
      'span',
      { class: 'bar-what' },
      h('span', { class: 'bar-title' }, titleOf(draft.prompt)),
      h('code', {}, short(draft.digest ?? '')),
      folded === '' ? null : h('span', { class: 'muted' }, `${folded} folded`),
      waits(state) ? h('span', { class: 'muted' }, 'Read the new version first') : null,
      blocked === null ? null : h('span', { class: 'muted' }, blocked),
    ),
  );
}

function busyOr({ busy }: State, otherwise: Child): HTMLElement {
  return h(
    'div',
    { class: 'bar-text', role: 'status' },
    ...(busy === null ? [otherwise] : [progressRing(), `${busy}…`]),
  );
}
