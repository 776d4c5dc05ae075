import type { DraftMessage } from '../state.ts';
import { button, textArea } from '../toolkit/controls.ts';
import { h } from './dom.ts';

/** The field for the reason of a rejection. It is there only after a person asked for it. */
export interface Rejection {
  element: HTMLElement;
  open(): void;
  /** @param draft the draft that can be rejected now; null if there is none */
  update(draft: DraftMessage | null, busy: boolean): void;
}

export function createRejection(on: {
  reject(id: string, reason: string | null): void;
  closed(): void;
}): Rejection {
  const element = h('div', { class: 'rejection', role: 'group', 'aria-label': 'Reject the draft' });
  element.hidden = true;
  let draft: DraftMessage | null = null;
  let typed = '';

  const field = textArea({
    label: 'Why is it rejected?',
    placeholder: 'Whoever proposed it can read this',
    changed(value) {
      typed = value;
      drawButtons();
    },
  });
  const buttons = h('div', { class: 'bar-buttons' });
  element.append(field.element, buttons);

  const close = () => {
    element.hidden = true;
    on.closed();
  };
  const drawButtons = () => {
    const needed = draft?.reason_required === true && typed.trim() === '';
    buttons.replaceChildren(
      button({
        ...{ label: 'Reject Draft', key: 'reject-now', disabled: draft === null || needed },
        press() {
          if (draft !== null) on.reject(draft.draft.id, typed.trim() === '' ? null : typed);
        },
      }),
      button({ label: 'Keep It', key: 'keep', press: close }),
    );
  };
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
  return {
    element,
    open() {
      drawButtons();
      element.hidden = false;
      field.focus();
    },
    update(now, busy) {
      const same =
        draft?.draft.id === now?.draft.id && draft?.reason_required === now?.reason_required;
      draft = now;
      if (now === null && !busy) element.hidden = true;
      if (!same) drawButtons();
    },
  };
}
