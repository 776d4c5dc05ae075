import { placeholder } from './redaction.ts';

const begin = /-----BEGIN [A-Z ]*PRIVATE KEY-----/g;
const end = /-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * Makes a redactor of a log that comes line by line. A private key in PEM (RFC 7468) goes over several lines, so a line
 * alone does not show that it is a part of one: from the line that begins a key to the line that ends it, or to the end
 * of its step, all is replaced.
 *
 * @param redact replaces what a line alone shows to be a secret
 */
export function createLineRedactor(
  redact: (text: string) => string,
): (line: string, step: string | undefined) => string {
  /** The step that is in the middle of a key. */
  let inside: string | undefined;
  return (line, step) => {
    if (step === undefined) return redact(line);
    let rest = line;
    let shown = '';
    if (inside === step) {
      const found = end.exec(line);
      if (found === null) return placeholder;
      rest = line.slice(found.index + found[0].length);
      shown = placeholder;
    }
    const last = [...rest.matchAll(begin)].at(-1);
    inside = last === undefined || end.test(rest.slice(last.index)) ? undefined : step;
    return shown + redact(rest);
  };
}
