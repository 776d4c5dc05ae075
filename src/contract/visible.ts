/*
 * Text that anyone may have written (an agent, a repository, a model) may hold what repaints a terminal (ECMA-48 control
 * sequences), turns the order of what is read (bidirectional controls) or cannot be seen at all. A person approves what
 * is shown, so all of it is shown, as \u{XXXX}, and never handed on as it is.
 */

/* Controls, formats (bidi and zero width), lone surrogates, separators and spaces other than the plain one, what
 * fonts leave out by default (variation selectors, fillers, tags), and the empty Braille pattern. */
const unseen =
  /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u{2800}]/gu;

const spell = (char: string) =>
  `\\u{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`;

/** Makes everything visible but newlines and tabs, which stay: for text of several lines. */
export function visibleText(text: string): string {
  return text.replace(unseen, (char) => (char === '\n' || char === '\t' ? char : spell(char)));
}

/** Makes everything visible, newlines and tabs too: for what has to stay on its line. */
export function visibleLine(text: string): string {
  return text.replace(unseen, spell);
}

/** How many characters {@link visibleText} would spell out. */
export function countUnseen(text: string): number {
  let count = 0;
  for (const [char] of text.matchAll(unseen)) if (char !== '\n' && char !== '\t') count += 1;
  return count;
}

/**
 * JSON in which what cannot be seen is escaped too (JSON itself escapes only part of it); it parses to the same value.
 *
 * @param indent spaces a level; 0 gives one line
 */
export function visibleJson(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(unseen, (char) =>
    char === '\n' ? char : escapeUnits(char),
  );
}

function escapeUnits(char: string): string {
  let escaped = '';
  for (let at = 0; at < char.length; at += 1)
    escaped += `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return escaped;
}
