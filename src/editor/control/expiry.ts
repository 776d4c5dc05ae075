/* How long clients may read something. */

/** What the wire calls an instant that never comes: the list has no entry without an end. */
export const untilRevoked = '9999-12-31T23:59:59.000Z';
const farAway = Date.parse('9000-01-01T00:00:00Z');

const units = [
  { ms: 86_400_000, short: 'd', long: 'day' },
  { ms: 3_600_000, short: 'h', long: 'hour' },
  { ms: 60_000, short: 'min', long: 'minute' },
] as const;

/**
 * How long something still holds.
 *
 * @param until an instant in ISO 8601
 * @param now milliseconds since 1970
 * @returns short to look at and long to be read out, rounded down to the largest whole unit
 */
export function leftOf(until: string, now: number): { short: string; long: string } {
  const end = Date.parse(until);
  if (Number.isNaN(end)) return { short: 'undated', long: 'until an unknown time' };
  if (end >= farAway) return { short: 'until revoked', long: 'until you revoke it' };
  const left = end - now;
  if (left <= 0) return { short: 'over', long: 'no longer' };
  const unit = units.find(({ ms }) => left >= ms);
  if (unit === undefined) return { short: '< 1 min left', long: 'for less than a minute' };
  const count = Math.floor(left / unit.ms);
  return {
    short: `${count} ${unit.short} left`,
    long: `for ${count} more ${unit.long}${count === 1 ? '' : 's'}`,
  };
}

/** The longest that a timer can wait, in milliseconds. */
const longestWait = 2 ** 31 - 1;

/**
 * When to look again because an entry ends: nobody tells of that.
 *
 * @param now milliseconds since 1970
 * @returns milliseconds from now, or null if none ends
 */
export function nextEnd(entries: readonly { expires_at: string }[], now: number): number | null {
  const ends = entries.flatMap(({ expires_at }) => {
    const end = Date.parse(expires_at);
    return Number.isNaN(end) || end >= farAway ? [] : [end];
  });
  if (ends.length === 0) return null;
  // A moment later, so that the server counts it as over as well.
  return Math.min(Math.max(0, Math.min(...ends) - now) + 50, longestWait);
}
