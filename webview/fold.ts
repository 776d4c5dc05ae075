/** More lines or characters than this fold. */
const most = { lines: 40, characters: 6000 };
/** What stays in sight of a text that folds. */
const kept = { lines: 24, characters: 3000 };

export interface Folded {
  /** What is in sight. */
  head: string;
  /** What is folded; empty if nothing is. Head and tail together are the text. */
  tail: string;
  /** How long the text is, in words. */
  total: string;
  /** How much is folded. */
  hidden: Amount;
}

/** How much of something there is. */
export interface Amount {
  count: number;
  unit: 'line' | 'unchanged line' | 'character';
}

/** Cuts a long text in two, so that nothing is left out and a person need not scroll past all of it. */
export function fold(text: string): Folded {
  const lines = countLines(text);
  if (lines <= most.lines && text.length <= most.characters)
    return { head: text, tail: '', total: '', hidden: { count: 0, unit: 'line' } };
  const at = cutAt(text);
  const tail = text.slice(at);
  const byLines = lines > kept.lines;
  return {
    ...{ head: text.slice(0, at), tail },
    total: byLines ? inWords(lines, 'line') : inWords(text.length, 'character'),
    hidden: byLines
      ? { count: countLines(tail), unit: 'line' }
      : { count: tail.length, unit: 'character' },
  };
}

/** At the end of a line where that is possible, else between characters. */
function cutAt(text: string): number {
  let at = 0;
  for (let line = 0; line < kept.lines; line++) {
    const end = text.indexOf('\n', at);
    if (end === -1 || end >= kept.characters) break;
    at = end + 1;
  }
  if (at > 0 && countLines(text) > kept.lines) return at;
  const last = text.charCodeAt(kept.characters - 1);
  const splitsPair = (last >= 0xd800 && last <= 0xdbff) || last === 0x0d;
  return splitsPair ? kept.characters - 1 : kept.characters;
}

/** Lines as an editor counts them, without an empty one after the last line end. */
export function countLines(text: string): number {
  if (text === '') return 0;
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** Amounts of the same unit together: `12 lines, 40 unchanged lines`. Empty if there is nothing. */
export function amountsInWords(amounts: readonly Amount[]): string {
  const sums = new Map<Amount['unit'], number>();
  for (const { count, unit } of amounts) sums.set(unit, (sums.get(unit) ?? 0) + count);
  return [...sums].map(([unit, count]) => inWords(count, unit)).join(', ');
}

export const inWords = (count: number, what: string) =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
