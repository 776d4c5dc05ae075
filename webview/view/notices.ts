import { isLocked, mismatch, type State } from '../state.ts';
import { button } from '../toolkit/controls.ts';
import { banner, h, small } from './dom.ts';

/** What has to be known before anything else, in sight wherever the page is scrolled to. */
export function createNotices(on: { acknowledge(): void; resolveLockdown(): void }): {
  element: HTMLElement;
  update(state: State): void;
} {
  const element = h('div', { class: 'notices' });
  let drawn = '';
  return {
    element,
    update(state) {
      // Without a server nobody knows whether it is locked.
      const locked = isLocked(state) && state.away === null;
      const signature = JSON.stringify([state.away, state.changed, mismatch(state), locked]);
      if (signature === drawn) return;
      drawn = signature;
      element.replaceChildren(
        ...(state.away === null ? [] : [banner('info', 'status', h('p', {}, state.away))]),
        ...(locked ? [lockedBanner(on.resolveLockdown)] : []),
        ...(mismatch(state) ? [mismatchBanner()] : []),
        ...(state.changed === null ? [] : [changedBanner(state.changed, on.acknowledge)]),
      );
    },
  };
}

function lockedBanner(resolve: () => void): HTMLElement {
  return banner(
    'info',
    'status',
    h(
      'p',
      {},
      'Locked down: nothing new is done and no run starts. Reading, rejecting and cancelling work. ',
      small('Resolve Lockdown', resolve, { 'data-key': 'resolve-lockdown' }),
    ),
  );
}

function mismatchBanner(): HTMLElement {
  return banner(
    'error',
    'alert',
    h(
      'p',
      {},
      'What is shown here does not match the digest of the draft, so it cannot be approved. Close this panel and open it again; if it stays like this, reject the draft.',
    ),
  );
}

function changedBanner(parts: readonly string[], acknowledge: () => void): HTMLElement {
  const what =
    parts.length === 0
      ? 'It is as it was when you first saw it.'
      : `Not as before: ${parts.join(', ')}.`;
  return banner(
    'warning',
    'alert',
    h(
      'p',
      {},
      h('strong', {}, 'The draft changed while you were reading. This is the new version.'),
    ),
    h('p', {}, what),
    button({ label: 'I Have Read the New Version', key: 'acknowledge', press: acknowledge }),
  );
}
