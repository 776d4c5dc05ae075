/* What the system says went wrong. Imports nothing: the warden of a command and the threads use it, too. */

/** The code of a system error (`ENOENT`), or null. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Tells whether something thrown is a system error with one of these codes (any code if none is named). */
export function hasCode(error: unknown, ...codes: readonly string[]): error is Error {
  const code = systemCode(error);
  return code !== null && (codes.length === 0 || codes.includes(code));
}
