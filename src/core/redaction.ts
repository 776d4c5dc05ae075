/** What stands where a secret stood. */
export const placeholder = '[REDACTED]';

/** Shorter values are not looked for: replacing them would shred ordinary text. */
const shortest = 8;

/* What looks like a secret although this process does not know it. */
const patterns: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
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
  /** Replaces known secrets by exact value, then what looks like one. */
  redact(text: string): string;
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
  const redactKnown = (text: string) =>
    values()
      .sort((a, b) => b.length - a.length)
      .reduce((rest, value) => rest.replaceAll(value, placeholder), text);
  return {
    redactKnown,
    redact: (text) =>
      patterns
        .reduce((rest, pattern) => rest.replace(pattern, placeholder), redactKnown(text))
        .replace(credentialsInUrl, `$1${placeholder}@`)
        .replace(pair, `$1$2${placeholder}`),
    holdsSecret(value) {
      const secrets = values();
      for (const text of textsOf(value))
        if (secrets.some((secret) => text.includes(secret))) return true;
      return false;
    },
  };
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
