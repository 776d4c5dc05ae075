/*
 * Text files as edits know them: UTF-8, or UTF-16 with a byte order mark. In UTF-8 a mark is a part of the text (what
 * was approved is what is written, to the byte); in UTF-16 it belongs to the encoding.
 */

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

const mark = '\uFEFF';

/** @returns null if the bytes are not text of such an encoding */
export function decode(bytes: Uint8Array): { encoding: Encoding; text: string } | null {
  const encoding = encodingOf(bytes);
  const body = encoding === 'utf-8' ? bytes : bytes.subarray(2);
  // Not every build of Node knows big endian.
  const ordered = encoding === 'utf-16be' && body.length % 2 === 0 ? swapped(body) : body;
  const label = encoding === 'utf-8' ? 'utf-8' : 'utf-16le';
  try {
    const text = new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(ordered);
    // Of text in another encoding (UTF-16 without a mark, UTF-32), or of none at all.
    return text.includes('\0') ? null : { encoding, text };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** @param text well formed */
export function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'utf-8') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text.startsWith(mark) ? text : mark + text, 'utf16le');
  return encoding === 'utf-16le' ? bytes : bytes.swap16();
}

function encodingOf(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

const swapped = (bytes: Uint8Array) => Buffer.from(bytes).swap16();
