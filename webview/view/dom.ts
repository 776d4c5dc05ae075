type Attributes = Readonly<Record<string, string | boolean | null | undefined>>;
export type Child = Node | string | null;

/**
 * Makes an element. Text goes in as text, never as markup.
 *
 * @param attributes `true` sets an empty attribute; what is false, null or undefined is left out
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value === true) made.setAttribute(name, '');
    else if (typeof value === 'string') made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A plain button of the panel's own, for small things inside of the text. */
export function small(
  label: string,
  press: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const made = h('button', { type: 'button', class: 'small', ...attributes }, label);
  made.addEventListener('click', press);
  return made;
}

const shapes = {
  warning: 'M8 2 1.5 13.5h13z M8 6.5v3.5 M8 11.9v.1',
  info: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z M8 7.25v4 M8 4.9v.1',
  error:
    'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z M5.75 5.75l4.5 4.5 M10.25 5.75l-4.5 4.5',
  done: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z M5.25 8.25l2 2 3.5-4',
  waiting: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z',
  gate: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z M6.4 5.75v4.5 M9.6 5.75v4.5',
  running: 'M8 1.75a6.25 6.25 0 0 1 6.25 6.25',
  skipped: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z M5.5 8h5',
} as const;
export type IconName = keyof typeof shapes;

/** A line drawing of 16 by 16 in the colour of the text. It says nothing that the text beside it does not say. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', shapes[name]);
  svg.append(path);
  return svg;
}

export type BannerKind = 'warning' | 'info' | 'error';

/** Says something above all else. An assertive one is read out at once. */
export function banner(kind: BannerKind, role: 'alert' | 'status' | 'note', ...body: Child[]) {
  return h(
    'div',
    { class: `banner banner-${kind}`, role },
    icon(kind),
    h('div', { class: 'banner-body' }, ...body),
  );
}

/** Makes children anew, and gives the focus back to the one that had it. */
export function keepFocus(root: HTMLElement, draw: () => void): void {
  const had = document.activeElement;
  const key = had instanceof HTMLElement && root.contains(had) ? had.dataset.key : undefined;
  draw();
  if (key === undefined) return;
  root.querySelector<HTMLElement>(`[data-key="${key}"]`)?.focus({ preventScroll: true });
}
