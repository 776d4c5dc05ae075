import type { View } from '../messages.ts';

/** How texts are shown: rendered, raw, or both where there is room. */
export interface Views {
  /** What a person chose. */
  readonly chosen: View;
  /** What there is room for. */
  readonly view: View;
  set(view: View): void;
  /** Shows the choice in what was drawn anew. */
  apply(): void;
}

/** Room for two columns; the stylesheet knows it too. */
const wide = window.matchMedia('(min-width: 900px)');

/** @param changed called after a person chose */
export function createViews(first: View, changed: () => void): Views {
  let chosen = first;
  let beforeRaw: View = first === 'raw' ? 'both' : first;
  const view = (): View => (chosen === 'both' && !wide.matches ? 'rendered' : chosen);

  const apply = () => {
    const now = view();
    document.body.dataset.texts = now;
    for (const button of document.querySelectorAll<HTMLElement>('[data-view]'))
      button.setAttribute('aria-pressed', String(button.dataset.view === now));
  };
  const set = (next: View) => {
    if (next !== 'raw') beforeRaw = next;
    chosen = next;
    apply();
    changed();
  };
  wide.addEventListener('change', apply);
  document.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (key !== 'r' || ctrlKey || metaKey || altKey || shiftKey || types(event)) return;
    set(chosen === 'raw' ? beforeRaw : 'raw');
  });
  return {
    get chosen() {
      return chosen;
    },
    get view() {
      return view();
    },
    set,
    apply,
  };
}

/** Whether the key goes into a field; inside of the toolkit's own elements too. */
function types(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
}
