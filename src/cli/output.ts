import { visibleJson, visibleLine, visibleText } from '../contract/visible.ts';
import type { Env } from './discover.ts';
import { cutTo, widthOf, wrapTo } from './width.ts';

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Colour = keyof typeof codes;

/** A piece of a line: plain text, or text with a colour. Both are made visible before they are written. */
export type Part = string | { text: string; colour: Colour };

export interface Column {
  title: string;
  /** What it may shrink to when the terminal is narrow; columns shrink from the last to the first. */
  min: number;
}

/** The one way from the command line to a stream: whatever is written has been made visible. */
export interface Output {
  /** Writes one line of parts; a newline within a part stays one. */
  line(...parts: Part[]): void;
  /** Writes `name  value` with the value kept on its line, whatever it holds. */
  field(name: string, value: string, colour?: Colour): void;
  /** Writes text behind a gutter, wrapped to the terminal, so that it cannot pass for anything around it. */
  block(text: string): void;
  /** Writes a line behind a mark; wrapped as {@link Output.block} is, so that no piece of it can pass for a line. */
  marked(mark: string, text: string, colour?: Colour): void;
  /** Writes one line of parts, each on its line, cut to the terminal. */
  cut(...parts: Part[]): void;
  table(columns: readonly Column[], rows: readonly (readonly Part[])[]): void;
  /** @param indent spaces a level, 2 if left out; 0 for one line */
  json(value: unknown, indent?: number): void;
}

/** Where an output goes. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const gutter = '  │ ';
const continued = '  ┆ ';
const gap = '  ';
const fieldWidth = 12;
const textOf = (part: Part) => (typeof part === 'string' ? part : part.text);

/**
 * Whether colours may be used: on a terminal that has them, unless NO_COLOR (no-color.org) says otherwise. FORCE_COLOR
 * (force-color.org) decides before all that, as it does for Node; 0 or false means no.
 */
function mayColour(sink: Sink, env: Env): boolean {
  const forced = env.FORCE_COLOR ?? '';
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return sink.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** Makes the output over a stream. A stream that is no terminal gets no colours and lines of any width. */
export function createOutput(sink: Sink, env: Env): Output {
  const colours = mayColour(sink, env);
  const width = () => (sink.isTTY === true ? sink.columns || 80 : Number.POSITIVE_INFINITY);
  const paint = (part: Part) => {
    const text = visibleText(textOf(part));
    if (typeof part === 'string' || !colours || text === '') return text;
    return `\u{1b}[${codes[part.colour]}m${text}\u{1b}[0m`;
  };
  const line = (...parts: Part[]) => {
    sink.write(`${parts.map(paint).join('')}\n`);
  };
  return {
    line,
    field(name, value, colour) {
      const text = visibleLine(value);
      const label = `${name} `.padEnd(fieldWidth);
      const [first = '', ...rest] = wrapTo(text, width(), widthOf(label));
      const part = (piece: string) => (colour === undefined ? piece : { text: piece, colour });
      line({ text: label, colour: 'dim' }, part(first));
      for (const piece of rest) line(' '.repeat(widthOf(label)), part(piece));
    },
    block(text) {
      for (const one of visibleText(text).split('\n'))
        for (const [at, piece] of wrapTo(one, width(), gutter.length).entries())
          line({ text: at === 0 ? gutter : continued, colour: 'dim' }, piece);
    },
    marked(mark, text, colour) {
      const part = (piece: string) => (colour === undefined ? piece : { text: piece, colour });
      const [first = '', ...rest] = wrapTo(spelled(text), width(), widthOf(mark));
      line(part(mark + first));
      for (const piece of rest)
        line({ text: '┆'.padEnd(widthOf(mark)), colour: 'dim' }, part(piece));
    },
    cut: (...parts) => line(...cutParts(parts, width())),
    table(columns, rows) {
      for (const row of layOut(columns, rows, width())) line(...row);
    },
    json(value, indent = 2) {
      sink.write(`${visibleJson(value, indent)}\n`);
    },
  };
}

/** Cuts a line of parts to a width. */
function cutParts(parts: readonly Part[], width: number): Part[] {
  let left = width;
  return parts.map(flat).map((part) => {
    const text = cutTo(textOf(part), left);
    left -= widthOf(text);
    return typeof part === 'string' ? text : { ...part, text };
  });
}

/** Text of one line: tabs stay, so that what is indented with them reads as it is. */
const spelled = (text: string) => visibleText(text).replaceAll('\n', '\\u{000A}');

/** Lays rows out under their titles so that no line is wider than `width`. */
function layOut(
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  width: number,
): Part[][] {
  const titles: Part[] = columns.map(({ title }) => ({ text: title, colour: 'dim' }));
  const cells = [titles, ...rows].map((row) => row.map(flat));
  const widths = columns.map((_, at) =>
    Math.max(...cells.map((row) => widthOf(textOf(row[at] ?? '')))),
  );
  let over = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1)) - width;
  for (const floor of [(at: number) => columns[at]?.min ?? 1, () => 1])
    for (let at = widths.length - 1; at >= 0 && over > 0; at -= 1) {
      const now = widths[at] ?? 0;
      const cut = Math.max(0, Math.min(over, now - floor(at)));
      widths[at] = now - cut;
      over -= cut;
    }
  return cells.map((row) => fitRow(row, widths, width));
}

/** A cell on one line: line ends and tabs become spaces here, since a list is an overview and not what is approved. */
function flat(part: Part): Part {
  const text = visibleLine(textOf(part).replace(/[\n\t]+/g, ' '));
  return typeof part === 'string' ? text : { ...part, text };
}

function fitRow(row: readonly Part[], widths: readonly number[], width: number): Part[] {
  const parts: Part[] = [];
  let left = width;
  for (const [at, part] of row.entries()) {
    const cell = cutTo(textOf(part), Math.min(widths[at] ?? 0, left));
    left -= widthOf(cell);
    parts.push(typeof part === 'string' ? cell : { ...part, text: cell });
    if (at === row.length - 1) break;
    const pad = ' '.repeat(
      Math.max(0, Math.min(left, (widths[at] ?? 0) - widthOf(cell) + gap.length)),
    );
    parts.push(pad);
    left -= pad.length;
  }
  return parts;
}
