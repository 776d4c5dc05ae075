/** A fenced block of a page. `word` is what stands behind the language: with a dot in it, the name of a file. */
export interface Block {
  language: string;
  word: string;
  text: string;
}

/** The fenced blocks of a page, in their order. */
export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^( *)```(\S*)(?: +(\S+))?\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = '', language = '', word = '', text = '']) => ({
      ...{ language, word },
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
