import { asksModel } from '../../src/contract/digest.ts';
import type { DraftRecord, ResolvedProvider, Step } from '../../src/contract/records.ts';
import { amountsInWords } from '../fold.ts';
import type { Part } from '../hash.ts';
import { hiddenIn, plain } from '../hidden.ts';
import { renderMarkdown } from '../markdown.ts';
import { type View, views } from '../messages.ts';
import { type Child, h, small } from './dom.ts';
import { type FoldedPart, foldBar, type PageContext, rawText } from './raw.ts';
import type { Told } from './warnings.ts';

export interface Page extends PageContext {
  view(): View;
  setView(view: View): void;
}

export interface Section {
  element: HTMLElement;
  /** What a person has to be told about it. */
  warnings: Told[];
  folded: readonly FoldedPart[];
}

const titles: Record<Part, string> = {
  prompt: 'Prompt',
  content: 'Content',
  context: 'Context',
  steps: 'Steps',
  provider: 'Provider',
};

/** A part with its heading, marked if it is not as the person saw it before. */
export function section(part: Part, changed: boolean, aside: Child, ...body: Child[]): HTMLElement {
  const id = `part-${part}`;
  return h(
    'section',
    { class: 'part', 'aria-labelledby': id },
    h(
      'div',
      { class: 'part-head' },
      h('h2', { id }, titles[part]),
      changed ? h('span', { class: 'changed' }, 'Changed') : null,
      aside,
    ),
    ...body,
  );
}

export function promptPart(
  prompt: string,
  changed: boolean,
  page: Page,
): Section & { read(): string } {
  const raw = rawText(prompt, 'prompt', 'Prompt', page);
  return {
    element: section('prompt', changed, null, raw.element),
    warnings: warn('prompt', hiddenIn(prompt)),
    folded: raw.folded,
    read: raw.read,
  };
}

export function contentPart(
  content: string | null,
  hasSteps: boolean,
  changed: boolean,
  page: Page,
): Section & { read(): string | null } {
  if (content === null || content === '')
    return {
      element: section(
        'content',
        changed,
        null,
        empty(hasSteps ? 'There is none.' : 'There is none: the prompt says it all.'),
      ),
      warnings: [],
      folded: [],
      read: () => null,
    };
  const { element, raw, unseen } = bothWays(content, 'content', 'Content', page);
  return {
    element: section('content', changed, viewButtons(page), element),
    warnings: warn('content', hiddenIn(content, true), ...unseen),
    folded: raw.folded,
    read: raw.read,
  };
}

/** A text as Markdown for reading, beside the text itself. Both fold and unfold together. */
export function bothWays(text: string, key: string, label: string, page: Page) {
  const rendered = h('div', {
    ...{ class: 'rendered', role: 'group', 'aria-label': `${label}, rendered` },
  });
  let unfolded = () => {};
  const raw = rawText(text, key, `${label}, raw text`, {
    isUnfolded: page.isUnfolded,
    unfold(one) {
      unfolded();
      page.unfold(one);
    },
  });
  const { html, unseen } = renderMarkdown(text);
  // Made by the renderer alone, which escapes everything of the text (markdown.ts).
  rendered.innerHTML = html;
  const renderedWay = h('div', { class: 'rendered-way' }, rendered);
  for (const { amount, total } of raw.folded) {
    const bar = foldBar(amountsInWords([amount]), total, `unfold-${key}-rendered`, raw.unfold);
    rendered.classList.add('long');
    renderedWay.append(bar);
    unfolded = () => {
      rendered.classList.remove('long');
      bar.remove();
    };
  }
  const told = unseen === 1 ? '1 word does' : `${unseen} words do`;
  return {
    element: h('div', { class: 'ways' }, renderedWay, h('div', { class: 'raw-way' }, raw.element)),
    raw,
    unseen: unseen === 0 ? [] : [`${told} not show when rendered. The raw text has them.`],
  };
}

const viewTitles: Record<View, string> = {
  both: 'Side by Side',
  rendered: 'Rendered',
  raw: 'Raw Text',
};

/** Chooses how texts are shown; the page keeps the choice. */
export function viewButtons(page: Page): HTMLElement {
  const buttons = views.map((view) =>
    small(viewTitles[view], () => page.setView(view), {
      class: `small view view-${view}`,
      'data-view': view,
      'data-key': `view-${view}`,
      'aria-pressed': String(page.view() === view),
      title: view === 'raw' ? 'Raw Text (press R anywhere)' : viewTitles[view],
    }),
  );
  return h(
    'div',
    { class: 'views', role: 'group', 'aria-label': 'How texts are shown' },
    ...buttons,
  );
}

export function contextPart(
  context: DraftRecord['context'],
  changed: boolean,
  page: Page,
): (Section & { read(): unknown }) | null {
  if (Object.keys(context).length === 0 && !changed) return null;
  const text = JSON.stringify(context, null, 2);
  const raw = rawText(text, 'context', 'Context as JSON', page);
  return {
    element: section('context', changed, null, raw.element),
    warnings: warn('context', hiddenIn(text)),
    folded: raw.folded,
    read: () => JSON.parse(raw.read()),
  };
}

/** Whom an approval would ask, as the approval names it. */
export function providerPart(
  steps: readonly Step[] | null,
  provider: ResolvedProvider | null,
  changed: boolean,
): HTMLElement {
  const asks = asksModel(steps === null ? null : [...steps]);
  const none = asks ? 'No provider is set up, so nothing can be asked.' : 'No step asks a model.';
  const body =
    provider === null || !asks
      ? h('p', { class: 'muted' }, none)
      : facts([
          ['Name', plain(provider.name)],
          ['Type', provider.type],
          ['Model', provider.model === '' ? 'its own choice' : plain(provider.model)],
          ['Sends to', destination(provider)],
        ]);
  return section('provider', changed, null, body);
}

function destination({ type, origin }: ResolvedProvider): string {
  if (origin !== null) return plain(origin);
  if (type === 'offline') return 'nobody; it stays on this computer';
  return type === 'editor'
    ? 'wherever the model of the editor runs'
    : 'an address that is not known';
}

/** Names and values, in two columns. */
export function facts(rows: readonly (readonly [name: string, value: Child] | null)[]) {
  const list = h('dl', { class: 'facts' });
  for (const row of rows)
    if (row !== null && row[1] !== null)
      list.append(h('div', {}, h('dt', {}, row[0]), h('dd', {}, row[1])));
  return list;
}

export const empty = (text: string) => h('p', { class: 'muted' }, text);

/** @param found what hides in it, in phrases */
function warn(part: Part, found: readonly string[], ...more: string[]): Told[] {
  const messages = [...(found.length === 0 ? [] : [`${found.join(', ')}.`]), ...more];
  return messages.map((message) => ({ where: titles[part], anchor: `part-${part}`, message }));
}
