import type { FromPanel, PanelSubject, ToPanel } from '../src/contract/panel.ts';
import { amountsInWords } from './fold.ts';
import type { Connection, Memory, View } from './messages.ts';
import { type Action, next, type Seen, type State, type Subject, start } from './state.ts';
import { progressRing } from './toolkit/controls.ts';
import { createBar } from './view/bar.ts';
import { h, keepFocus } from './view/dom.ts';
import { createNotices } from './view/notices.ts';
import { type Drawn, drawApproved, drawDraft } from './view/record.ts';
import { createRunView, type RunView } from './view/run.ts';
import { createViews } from './view/views.ts';

/** The panel: keeps the state, and draws what changed. */
export interface Panel {
  receive(message: ToPanel): void;
}

export function createPanel(
  root: HTMLElement,
  connection: Connection,
  memory: Memory | null,
): Panel {
  const kept = { follow: true, view: 'both' as View, scroll: 0, unfolded: [], ...memory };
  const unfolded = new Set<string>(kept.unfolded);
  let state: State = start(seenBefore(memory));
  let drawnRecord = '';
  let drawn: Drawn | null = null;
  let runView: RunView | null = null;
  let scrollTo: number | null = memory?.scroll ?? null;

  const views = createViews(kept.view, () => save());
  const page = {
    isUnfolded: (key: string) => unfolded.has(key),
    unfold(key: string) {
      unfolded.add(key);
      save();
      bar.update(state, foldedNow());
    },
    view: () => views.view,
    setView: views.set,
    follow: () => kept.follow,
    setFollow(follow: boolean) {
      kept.follow = follow;
      save();
    },
  };
  const foldedNow = () =>
    amountsInWords(
      (drawn?.folded ?? []).filter(({ key }) => !unfolded.has(key)).map(({ amount }) => amount),
    );
  const post = (message: FromPanel) => connection.post(message);
  const ask = (what: string, message: FromPanel) => {
    dispatch({ type: 'asked', what });
    post(message);
  };
  const bar = createBar(ask, post);
  const notices = createNotices({
    acknowledge() {
      dispatch({ type: 'read_new_version' });
      tellRendered();
      main.focus({ preventScroll: true });
    },
    resolveLockdown: () => post({ type: 'resolve_lockdown' }),
  });
  const main = h(
    'main',
    { tabindex: '-1' },
    h('div', { class: 'loading', role: 'status' }, progressRing(), 'Loading…'),
  );
  const spoken = h('div', { class: 'spoken', role: 'status' });
  root.append(notices.element, main, bar.element, spoken);

  function dispatch(action: Action): void {
    state = next(state, action);
    drawRecord();
    notices.update(state);
    bar.update(state, foldedNow());
    save();
  }

  function drawRecord(): void {
    const { shown } = state;
    if (shown === null) {
      if (state.away !== null) main.replaceChildren();
      return;
    }
    if (shown.type === 'run') {
      drawRun(shown);
      return;
    }
    const now = JSON.stringify([shown, state.changed]);
    const same = now === drawnRecord && drawn !== null;
    if (!same) {
      const before = window.scrollY;
      drawn =
        shown.type === 'draft'
          ? drawDraft(shown, state.changed, page, post)
          : drawApproved(shown, page, post);
      drawnRecord = now;
      const { elements } = drawn;
      keepFocus(main, () => main.replaceChildren(...elements));
      settle(before);
    }
    if (drawn === null || shown.type !== 'draft' || shown.draft.status !== 'draft') return;
    // Each time, from what stands in the page then.
    state = next(state, { type: 'hashed', digest: drawn.digest() });
    if (!same && state.changed === null) tellRendered();
  }

  function drawRun(shown: Extract<Subject, { type: 'run' }>): void {
    if (runView === null) {
      runView = createRunView(page, post);
      main.replaceChildren(runView.element);
    }
    const said = `Run: ${shown.run.status}`;
    if (spoken.textContent !== said) spoken.textContent = said;
    runView.update(shown, state);
    settle(window.scrollY);
  }

  /** After something was drawn: the choice of view holds for it, and the page stays where it was. */
  function settle(scroll: number): void {
    views.apply();
    window.scrollTo(0, scrollTo ?? scroll);
    scrollTo = null;
  }

  /** The host may count this draft as seen: all of it is in the page, and it is what the person was told it is. */
  function tellRendered(): void {
    const { shown, ownDigest } = state;
    if (shown?.type === 'draft' && ownDigest !== null)
      post({ type: 'rendered', draft_id: shown.draft.id, digest: ownDigest });
  }

  function save(): void {
    const subject = subjectOf(state.shown) ?? memory;
    if (subject === null) return;
    connection.remember({
      ...{ kind: subject.kind, id: subject.id },
      ...{ view: views.chosen, follow: kept.follow, scroll: window.scrollY },
      unfolded: [...unfolded],
      seen: state.seen,
    });
  }

  document.addEventListener('scrollend', save);
  return { receive: dispatch };
}

function subjectOf(shown: Subject | null): PanelSubject | null {
  if (shown === null) return null;
  if (shown.type === 'draft') return { kind: 'draft', id: shown.draft.id };
  if (shown.type === 'approved') return { kind: 'approved', id: shown.approved.id };
  return { kind: 'run', id: shown.run.id };
}

function seenBefore(memory: Memory | null): Seen | null {
  return memory?.seen ?? null;
}
