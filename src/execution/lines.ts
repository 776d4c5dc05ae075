/** A line of the log is cut beyond this, at white space if there is any: a secret holds none, and stays in one piece. */
const longestLine = 8192;

/** Cuts a stream of text into lines. Looks at each piece once: the line so far may be millions of characters long. */
export function createLines(emit: (line: string) => void) {
  let rest = '';
  /** Where the last white space of `rest` stands; -1 if nowhere. */
  let space = -1;
  const cut = (line: string, next: string) => {
    emit(line);
    rest = next;
    space = -1;
  };
  return {
    push(piece: string) {
      for (const [n, line] of piece.split('\n').entries()) {
        if (n > 0) cut(rest, '');
        const at = Math.max(line.lastIndexOf(' '), line.lastIndexOf('\t'));
        if (at >= 0) space = rest.length + at;
        rest += line;
      }
      if (rest.length > longestLine && space > 0) cut(rest.slice(0, space), rest.slice(space + 1));
    },
    end() {
      if (rest !== '') cut(rest, '');
    },
    /** Ends it where the stream goes on: what follows the last white space is dropped, it may be half a secret. */
    breakOff() {
      if (space > 0) emit(rest.slice(0, space));
      rest = '';
      space = -1;
    },
  };
}
