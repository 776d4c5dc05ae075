/** What stands where a secret stood. */
export const placeholder = '[REDACTED]';

/** How often it stands in a text. */
export const placeholdersIn = (text: string): number => text.split(placeholder).length - 1;

/** Shorter values are not looked for: replacing them would shred ordinary text. */
const shortest = 8;

/* What looks like a secret although this process does not know it. */
const patterns: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[A-Z0-9]{16}\b/g,
];
const credentialsInUrl = /\b([a-z][a-z0-9+.-]{1,30}:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,256}@/gi;
const pair =
  /\b(password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token)(["']?\s{0,8}[=:]\s{0,8}["']?)([^\s"',;]{6,})/gi;

export interface Redactor {
  /** Replaces known secrets (by exact value, and as they are usually coded), then what looks like one. */
  redact(text: string): string;
  /** The same, and every line keeps its number. */
  redactLines(text: string): string;
  /** The known secrets themselves, for a redactor in another thread. */
  values(): readonly string[];
  /** Replaces known secrets only: for what must otherwise stay whole. */
  redactKnown(text: string): string;
  /** Whether any string in a JSON value (keys included) holds a known secret. */
  holdsSecret(value: unknown): boolean;
}

/**
 * Makes a redactor.
 * @param known the exact values of every token and key that the process knows at the moment of the call
 */
export function createRedactor(known: () => Iterable<string>): Redactor {
  const values = () => [...known()].filter((value) => value.length >= shortest);
  const coded = new Map<string, readonly string[]>();
  const forms = () =>
    values().flatMap((value) => {
      const made = coded.get(value) ?? formsOf(value);
      coded.set(value, made);
      return made;
    });
  const redactKnown = (text: string) =>
    forms()
      .sort((a, b) => b.length - a.length)
      .reduce((rest, form) => rest.replaceAll(form, placeholder), text);
  return {
    redactKnown,
    redact: (text) => redactLike(redactKnown(text), () => placeholder),
    redactLines: (text) =>
      redactLike(redactKnown(text), (found) => placeholder + found.replace(/[^\n]+/g, '')),
    values,
    holdsSecret(value) {
      const secrets = forms();
      for (const text of textsOf(value))
        if (secrets.some((secret) => text.includes(secret))) return true;
      return false;
    },
  };
}

/** A secret as it is, and as others write it: in an address, in JSON, in base64 and base64url, in hex digits. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const binary = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')];
  const spelled = [encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
  return [...new Set([secret, ...spelled, ...binary.map((text) => text.replace(/=+$/, ''))])];
}

function redactLike(text: string, instead: (found: string) => string): string {
  return patterns
    .reduce((rest, pattern) => rest.replace(pattern, instead), withoutJwts(text))
    .replace(credentialsInUrl, `$1${placeholder}@`)
    .replace(pair, `$1$2${placeholder}`);
}

/**
 * Replaces JSON web tokens (RFC 7519, three parts of base64url). By hand: as one pattern it would take the square of the
 * length of a line that somebody wrote to that end.
 */
function withoutJwts(text: string): string {
  const part = /[A-Za-z0-9_-]*/y;
  const endOf = (from: number) => {
    part.lastIndex = from;
    part.test(text);
    return part.lastIndex;
  };
  let out = '';
  let kept = 0;
  for (let at = text.indexOf('eyJ'); at >= 0; ) {
    const first = endOf(at);
    const second = text[first] === '.' ? endOf(first + 1) : first;
    const third = text[second] === '.' ? endOf(second + 1) : second;
    const begin = second - first > 8 && third - second > 8 ? beginOf(text, at, first - 11) : -1;
    if (begin >= 0) {
      out += text.slice(kept, begin) + placeholder;
      kept = third;
    }
    at = text.indexOf('eyJ', begin >= 0 ? third : first);
  }
  return out + text.slice(kept);
}

/** Where the first part of a token begins: not inside a word, and not behind `last`. */
function beginOf(text: string, from: number, last: number): number {
  for (let at = from; at >= 0 && at <= last; at = text.indexOf('eyJ', at + 1))
    if (!/\w/.test(text[at - 1] ?? '')) return at;
  return -1;
}

function* textsOf(value: unknown): Generator<string> {
  const queue: unknown[] = [value];
  while (queue.length > 0) {
    const found = queue.pop();
    if (typeof found === 'string') yield found;
    else if (typeof found === 'object' && found !== null)
      for (const [key, inner] of Object.entries(found)) {
        yield key;
        queue.push(inner);
      }
  }
}
