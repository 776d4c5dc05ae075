/* Columns that a terminal uses for text which has been made visible already. Where terminals differ, the wider guess:
 * a line that is cut early does no harm, one that runs over breaks the frame around what is shown. */
const none = /^[\p{Mn}\p{Me}]$/u;
const two =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u{3001}-\u{303E}\u{FF01}-\u{FF60}\u{FFE0}-\u{FFE6}]$/u;
const tabStop = 8;

function columns(char: string, at: number): number {
  if (char === '\t') return tabStop - (at % tabStop);
  if (char < '\u{300}') return 1;
  if (none.test(char)) return 0;
  return two.test(char) ? 2 : 1;
}

/** How many terminal columns a line uses when it starts in column `from` (which matters for tabs only). */
export function widthOf(line: string, from = 0): number {
  let at = from;
  for (const char of line) at += columns(char, at);
  return at - from;
}

/** Cuts a line to at most `width` columns, with an ellipsis in the last one if anything was cut. */
export function cutTo(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  if (width < 1) return '';
  let at = 0;
  let kept = '';
  for (const char of line) {
    const next = at + columns(char, at);
    if (next > width - 1) break;
    kept += char;
    at = next;
  }
  return `${kept}…`;
}

/** Breaks a line, which starts in column `from`, into pieces none of which reaches beyond column `width`. */
export function wrapTo(line: string, width: number, from: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let at = from;
  for (const char of line) {
    const next = at + columns(char, at);
    if (next > width && piece !== '') {
      pieces.push(piece);
      piece = char;
      at = from + columns(char, from);
    } else {
      piece += char;
      at = next;
    }
  }
  return [...pieces, piece];
}
