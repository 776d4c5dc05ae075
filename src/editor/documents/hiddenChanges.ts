/*
 * What a diff does not show: an editor decodes a file, knows one kind of line end a document, keeps a byte order mark
 * apart, and leaves out white space at the ends of lines unless told otherwise.
 */

/** What stands in a text, as far as an editor hides it. */
interface Form {
  mark: boolean;
  ends: string;
  /** Without its mark, with plain line ends. */
  text: string;
}

/**
 * Tells in a few words each what a diff of the two hides. An edit writes in the encoding that the file has, UTF-8 or
 * UTF-16; the mark of UTF-16 belongs to the encoding.
 *
 * @param before the bytes of a file
 * @param after the text that is written in its place
 */
export function hiddenChanges(before: Uint8Array, after: string): string[] {
  const found = decoded(before);
  if (found === null) return ['neither UTF-8 nor UTF-16: refused'];
  const was = formOf(found.text);
  const becomes = formOf(after);
  const marked = !found.wide && was.mark !== becomes.mark;
  return [
    ...(marked ? [`byte order mark ${becomes.mark ? 'added' : 'removed'}`] : []),
    ...(was.ends !== becomes.ends && was.ends !== '' && becomes.ends !== ''
      ? [`line ends ${was.ends} → ${becomes.ends}`]
      : []),
    ...(changesSpace(was.text, becomes.text) ? ['white space changes'] : []),
  ];
}

/** @returns null if an edit would refuse the file, because of its encoding */
function decoded(bytes: Uint8Array): { text: string; wide: boolean } | null {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe;
  const big = bytes[0] === 0xfe && bytes[1] === 0xff;
  const wide = little || big;
  try {
    // Not every build of Node knows big endian.
    const ordered = big && bytes.length % 2 === 0 ? Buffer.from(bytes).swap16() : bytes;
    const decoder = new TextDecoder(wide ? 'utf-16le' : 'utf-8', { fatal: true, ignoreBOM: true });
    const text = decoder.decode(ordered);
    return text.includes('\0') ? null : { text, wide };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function formOf(text: string): Form {
  const kinds = [...new Set(text.match(/\r\n|\r|\n/g) ?? [])];
  const names: Readonly<Record<string, string>> = { '\r\n': 'CRLF', '\n': 'LF', '\r': 'CR' };
  return {
    mark: text.startsWith('\ufeff'),
    ends: kinds.length > 1 ? 'mixed' : (names[kinds[0] ?? ''] ?? ''),
    text: text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'),
  };
}

/** Whether a line of the new text was there before, but for white space at its ends. */
function changesSpace(before: string, after: string): boolean {
  if (before === after) return false;
  const lines = before.split('\n');
  const exact = new Set(lines);
  const trimmed = new Set(lines.map((line) => line.trim()));
  return after
    .split('\n')
    .some((line) => line.trim() !== '' && !exact.has(line) && trimmed.has(line.trim()));
}
