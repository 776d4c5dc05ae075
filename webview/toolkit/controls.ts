import {
  type Button,
  type Checkbox,
  provideVSCodeDesignSystem,
  type TextArea,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeProgressRing,
  vsCodeTextArea,
} from '@vscode/webview-ui-toolkit';

/*
 * The only place that knows the toolkit: what the panel needs of it, so that it can be exchanged.
 */

provideVSCodeDesignSystem().register(
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeProgressRing(),
  vsCodeTextArea(),
);

export interface ButtonLook {
  label: string;
  kind?: 'primary' | 'secondary';
  /** More than the label tells, beginning with it: for a tooltip, and for who listens. */
  title?: string;
  /** Names it for whoever looks for it again after it was made anew. */
  key?: string;
  disabled?: boolean;
  press(): void;
}

/** A button. A press while it is disabled does nothing. */
export function button(look: ButtonLook): HTMLElement {
  const made: Button = document.createElement('vscode-button') as Button;
  made.textContent = look.label;
  made.setAttribute('appearance', look.kind ?? 'secondary');
  if (look.title !== undefined) {
    made.title = look.title;
    made.setAttribute('aria-label', look.title);
  }
  if (look.key !== undefined) made.dataset.key = look.key;
  made.disabled = look.disabled === true;
  made.addEventListener('click', () => {
    if (!made.disabled) look.press();
  });
  return made;
}

export interface Field {
  element: HTMLElement;
  value(): string;
  focus(): void;
}

/** A field for some lines of text. */
export function textArea(look: {
  label: string;
  placeholder: string;
  changed(value: string): void;
}): Field {
  const made: TextArea = document.createElement('vscode-text-area') as TextArea;
  made.textContent = look.label;
  made.setAttribute('placeholder', look.placeholder);
  made.setAttribute('rows', '3');
  made.setAttribute('resize', 'vertical');
  made.addEventListener('input', () => look.changed(made.value));
  return { element: made, value: () => made.value, focus: () => made.focus() };
}

/** A box that is checked or not. */
export function checkbox(look: {
  label: string;
  checked: boolean;
  changed(checked: boolean): void;
}): { element: HTMLElement; set(checked: boolean): void } {
  const made: Checkbox = document.createElement('vscode-checkbox') as Checkbox;
  made.textContent = look.label;
  made.checked = look.checked;
  made.addEventListener('change', () => look.changed(made.checked));
  return {
    element: made,
    set(checked) {
      if (made.checked !== checked) made.checked = checked;
    },
  };
}

/** Turns as long as it is there. */
export function progressRing(): HTMLElement {
  return document.createElement('vscode-progress-ring');
}
