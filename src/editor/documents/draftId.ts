/** The id in what a command was called with: itself, or that of a draft in a row; null if there is none. */
export function draftIdIn(called: unknown): string | null {
  if (typeof called === 'string') return called;
  if (typeof called !== 'object' || called === null) return null;
  if ('draft' in called) return draftIdIn(called.draft);
  return 'id' in called && typeof called.id === 'string' ? called.id : null;
}
