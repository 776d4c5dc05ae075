/*
 * What a text holds and an eye does not see: it may change the order in which text is read, end a line elsewhere, or
 * carry a message to a machine that a person never read.
 */

export type HiddenKind = 'bidi' | 'invisible' | 'control' | 'space' | 'return' | 'mark';

/** A character that shows as something else than itself. */
export interface Hidden {
  kind: HiddenKind;
  /** The character as it stands in the text. */
  char: string;
  /** What is shown in its place. */
  label: string;
  /** What it is, in words. */
  name: string;
}

const suspect =
  /(?![\t\n ])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Emoji that hold such characters rightly: with a variation, joined, a keycap, or one of the three flags with tags. */
const emoji =
  /🏴\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}|\p{ExtPict}\ufe0f?\p{EMod}?(?:\u200d\p{ExtPict}\ufe0f?\p{EMod}?)*|[0-9#*]\ufe0f\u20e3/gu;
/** Characters that are part of well-formed emoji, and suspect elsewhere. */
const joiner = /[\u200d\ufe0f\u{e0020}-\u{e007f}]/u;
const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const names: Readonly<Record<string, readonly [label: string, name: string]>> = {
  '\r': ['CR', 'carriage return'],
  '\u0000': ['NUL', 'null character'],
  '\u001b': ['ESC', 'escape'],
  '\u0008': ['BS', 'backspace'],
  '\u00a0': ['NBSP', 'no-break space'],
  '\u00ad': ['SHY', 'soft hyphen'],
  '\u061c': ['ALM', 'Arabic letter mark'],
  '\u200b': ['ZWSP', 'zero-width space'],
  '\u200c': ['ZWNJ', 'zero-width non-joiner'],
  '\u200d': ['ZWJ', 'zero-width joiner'],
  '\u200e': ['LRM', 'left-to-right mark'],
  '\u200f': ['RLM', 'right-to-left mark'],
  '\u2028': ['LS', 'line separator'],
  '\u2029': ['PS', 'paragraph separator'],
  '\u202a': ['LRE', 'left-to-right embedding'],
  '\u202b': ['RLE', 'right-to-left embedding'],
  '\u202c': ['PDF', 'end of a direction'],
  '\u202d': ['LRO', 'left-to-right override'],
  '\u202e': ['RLO', 'right-to-left override'],
  '\u2060': ['WJ', 'word joiner'],
  '\u2066': ['LRI', 'left-to-right isolate'],
  '\u2067': ['RLI', 'right-to-left isolate'],
  '\u2068': ['FSI', 'first-strong isolate'],
  '\u2069': ['PDI', 'end of an isolate'],
  '\ufeff': ['BOM', 'byte order mark'],
};

/** Cuts a text into what can be shown as it is, and what cannot. Joined again it is the text. */
export function pieces(text: string): (string | Hidden)[] {
  const isProper = joiner.test(text) ? withinEmoji(text) : () => false;
  const found: (string | Hidden)[] = [];
  let from = 0;
  for (const { 0: char, index } of text.matchAll(suspect)) {
    if (isProper(index)) continue;
    if (index > from) found.push(text.slice(from, index));
    found.push(describe(char, index));
    from = index + char.length;
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

/** Tells whether an index is inside of an emoji. To be asked in ascending order, so that a long text takes no longer. */
function withinEmoji(text: string): (index: number) => boolean {
  const ranges = [...text.matchAll(emoji)].map(({ 0: found, index }) => [
    index,
    index + found.length,
  ]);
  let at = 0;
  return (index) => {
    while ((ranges[at]?.[1] ?? Number.POSITIVE_INFINITY) <= index) at++;
    return (ranges[at]?.[0] ?? Number.POSITIVE_INFINITY) <= index;
  };
}

function describe(char: string, index: number): Hidden {
  const code = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const [label, name] = names[char] ?? [code, 'invisible character'];
  return { kind: kindOf(char, index), char, label, name: `${name} (${code})` };
}

function kindOf(char: string, index: number): HiddenKind {
  if (char === '\r') return 'return';
  if (char === '\ufeff' && index === 0) return 'mark';
  if (bidi.test(char)) return 'bidi';
  if (/\p{Cc}/u.test(char)) return 'control';
  return /\p{Zs}/u.test(char) ? 'space' : 'invisible';
}

/** The text with U+FFFD for everything that is hidden, in one line: for titles and facts. */
export function plain(text: string): string {
  const shown = pieces(text).map((piece) => (typeof piece === 'string' ? piece : standIn(piece)));
  return shown.join('').replace(/\s+/g, ' ').trim();
}

const standIn = ({ kind }: Hidden) => (kind === 'space' || kind === 'return' ? ' ' : '\ufffd');

const tellings = {
  bidi: [
    'character that changes the reading direction',
    'characters that change the reading direction',
  ],
  invisible: ['invisible character', 'invisible characters'],
  control: ['control character', 'control characters'],
  space: ['unusual space', 'unusual spaces'],
  mark: ['byte order mark at the beginning', 'byte order marks'],
} as const;

/**
 * What a person has to be told about a text.
 *
 * @param markdown whether the text also shows as Markdown, where an HTML comment would not be seen elsewhere
 * @returns a phrase for each kind of hidden thing, with its count
 */
export function hiddenIn(text: string, markdown = false): string[] {
  const counts = new Map<HiddenKind, number>();
  for (const piece of pieces(text))
    if (typeof piece !== 'string') counts.set(piece.kind, (counts.get(piece.kind) ?? 0) + 1);
  const told: string[] = [];
  for (const kind of ['bidi', 'invisible', 'control', 'mark', 'space'] as const) {
    const count = counts.get(kind) ?? 0;
    if (count > 0) told.push(`${count} ${tellings[kind][count === 1 ? 0 : 1]}`);
  }
  if (counts.has('return')) told.push(...lineEnds(text));
  const comments = markdown ? text.split('<!--').length - 1 : 0;
  if (comments > 0) told.push(comments === 1 ? '1 HTML comment' : `${comments} HTML comments`);
  return told;
}

function lineEnds(text: string): string[] {
  const crlf = text.split('\r\n').length - 1;
  const alone = text.split('\r').length - 1 - crlf;
  const lf = text.split('\n').length - 1 - crlf;
  const told: string[] = [];
  if (crlf > 0 && lf > 0) told.push(`mixed line ends (${crlf} CRLF, ${lf} LF)`);
  else if (crlf > 0)
    told.push(crlf === 1 ? '1 line end is CRLF' : `all ${crlf} line ends are CRLF`);
  if (alone > 0)
    told.push(`${alone} carriage ${alone === 1 ? 'return' : 'returns'} without a line feed`);
  return told;
}
