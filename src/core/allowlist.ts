import { z } from 'zod';
import { normalPath } from './cover.ts';

/** A file or folder of the repository that clients may read until then (milliseconds since 1970). */
export interface AllowEntry {
  path: string;
  expiresAt: number;
}

const Instant = z.union([z.string(), z.number()]);
const Entry = z.looseObject({ path: z.string(), expires_at: Instant.nullable().optional() });
const AllowlistFile = z.looseObject({
  paths: z.array(z.union([z.string(), Entry])).max(10_000),
  timestamp: Instant.optional(),
});

/**
 * Reads the contents of an allowlist: `{paths: [{path, expires_at}]}`, or the older form of the Python service, paths
 * under one `timestamp` from which on they hold for the time that an entry usually does. Instants are ISO 8601 or
 * seconds since 1970. What cannot be read allows nothing.
 *
 * @param usual seconds that an entry holds where nothing else is said
 * @returns null if it is not an allowlist at all
 */
export function readAllowlist(value: unknown, usual: number): AllowEntry[] | null {
  const found = AllowlistFile.safeParse(value).data;
  if (found === undefined) return null;
  const older = instantOf(found.timestamp);
  return found.paths.flatMap((entry) => {
    const path = typeof entry === 'string' ? entry : entry.path;
    const own = typeof entry === 'string' ? null : instantOf(entry.expires_at);
    const expiresAt = own ?? (older === null ? null : older + usual * 1000);
    return expiresAt === null ? [] : [{ path: normalPath(path), expiresAt }];
  });
}

function instantOf(value: string | number | null | undefined): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value * 1000 : null;
  if (typeof value !== 'string') return null;
  // Without a zone it is UTC, as the Python service wrote it; the language would take it for local time.
  const zoned = /(?:z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? null : time;
}
