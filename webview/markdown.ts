import MarkdownIt, { type Token } from 'markdown-it';
import { pieces } from './hidden.ts';

/*
 * Markdown for reading, in which nothing acts: no HTML of the text's own, no link that can be followed, no image that
 * is loaded, no style. What Markdown would leave out (addresses, titles, a code block's language) is shown.
 */

export interface Rendered {
  /** Made by the renderer alone; everything of the text in it is escaped. */
  html: string;
  /** How many words of the text do not show, as in the definition of a link. */
  unseen: number;
}

const md = new MarkdownIt({ html: false, linkify: false, typographer: false });
const { escapeHtml } = md.utils;

/** Escapes a text for HTML, and puts a visible mark where something hides. */
export function marked(text: string): string {
  const shown = pieces(text).map((piece) =>
    typeof piece === 'string'
      ? escapeHtml(piece)
      : `<span class="mark" title="${escapeHtml(piece.name)}">${escapeHtml(piece.label)}</span>`,
  );
  return shown.join('');
}

function address(token: Token | undefined, name: 'href' | 'src'): string {
  const url = token?.attrGet(name) ?? '';
  const title = token?.attrGet('title') ?? '';
  const named = title === '' ? '' : ` "${title}"`;
  return `<span class="address"> (${marked(`${url}${named}`)})</span>`;
}

const block = (text: string, info = '') =>
  `${info === '' ? '' : `<p class="info">${marked(info)}</p>`}<pre><code>${marked(text)}</code></pre>\n`;

const { rules } = md.renderer;
rules.text = (tokens, at) => marked(tokens[at]?.content ?? '');
rules.code_inline = (tokens, at) => `<code>${marked(tokens[at]?.content ?? '')}</code>`;
rules.code_block = (tokens, at) => block(tokens[at]?.content ?? '');
rules.fence = (tokens, at) => block(tokens[at]?.content ?? '', tokens[at]?.info.trim() ?? '');
rules.link_open = () => '<span class="link">';
rules.link_close = (tokens, at) => {
  let from = at;
  while (from > 0 && tokens[from]?.type !== 'link_open') from--;
  const open = tokens[from];
  // An address in angle brackets is its own text.
  if (open?.markup === 'autolink') return '</span>';
  return `</span>${address(open, 'href')}`;
};
rules.image = (tokens, at) => {
  const image = tokens[at];
  const alt = marked(`Image: ${image?.content ?? ''}`);
  return `<span class="image">${alt}</span>${address(image, 'src')}`;
};
/* Below the headings of the panel, and never with attributes of the text's choice. */
rules.heading_open = (tokens, at) => `<h${levelOf(tokens[at]?.tag)}>`;
rules.heading_close = (tokens, at) => `</h${levelOf(tokens[at]?.tag)}>\n`;
for (const cell of ['th', 'td']) {
  rules[`${cell}_open`] = (tokens, at) => {
    const align = /text-align:(left|right|center)/.exec(
      String(tokens[at]?.attrGet('style') ?? ''),
    )?.[1];
    return align === undefined ? `<${cell}>` : `<${cell} class="${align}">`;
  };
}

function levelOf(tag: string | undefined): number {
  return Math.min(6, Number(tag?.slice(1) ?? 1) + 2);
}

/** Renders Markdown (CommonMark, with tables and strikethrough) that anyone may have written. */
export function renderMarkdown(text: string): Rendered {
  const html = md.render(text);
  return { html, unseen: unseenWords(text, html) };
}

/** How many words the text has that its rendering does not have. */
function unseenWords(text: string, html: string): number {
  const shown = new Map<string, number>();
  for (const word of wordsOf(html.replace(/<[^>]*>/g, ' ')))
    shown.set(word, (shown.get(word) ?? 0) + 1);
  let unseen = 0;
  for (const word of wordsOf(text)) {
    const left = shown.get(word) ?? 0;
    if (left === 0) unseen++;
    else shown.set(word, left - 1);
  }
  return unseen;
}

function wordsOf(text: string): string[] {
  return text.replace(/&#?\w+;/g, ' ').match(/\p{L}{2,}/gu) ?? [];
}
