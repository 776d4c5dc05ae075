/* The rules of the edge as functions of strings; the middleware around them is thin. */

/** The caller's correlation id if it may be used, 1 to 128 of `A-Za-z0-9._-`, else null. */
export function acceptedCorrelationId(header: string | undefined): string | null {
  return header !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(header) ? header : null;
}

/** The token of an Authorization header (RFC 6750, section 2.1; the scheme in any case), or null if there is none. */
export function bearerToken(header: string | undefined): string | null {
  return /^\s*bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1] ?? null;
}

/**
 * Whether a Host header names this server. Another name that leads here is how DNS rebinding looks.
 * @param port where the server listens, on 127.0.0.1
 * @param publicUrl where a tunnel of the user's leads here from, with the name that it calls; null: there is none
 */
export function hostAllowed(
  header: string | undefined,
  port: number,
  publicUrl: string | null = null,
): boolean {
  const host = header?.trim().toLowerCase() ?? '';
  if ([`127.0.0.1:${port}`, `localhost:${port}`].includes(host)) return true;
  if (publicUrl === null || !URL.canParse(publicUrl)) return false;
  const { protocol, hostname, port: given } = new URL(publicUrl);
  const its = given || (protocol === 'https:' ? '443' : '80');
  // A port that goes without saying may be said.
  return host === `${hostname}:${its}` || (given === '' && host === hostname);
}

/** Whether a page of this origin may call. Programs send no Origin; a page does, and must be listed. */
export function originAllowed(header: string | undefined, allowed: readonly string[]): boolean {
  return header === undefined || allowed.includes(header);
}

/** Whether a Content-Type is JSON (a suffix as in `application/problem+json` counts, RFC 6839). */
export function isJson(contentType: string | undefined): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType?.trim() ?? '');
}

/**
 * A request target in origin-form (RFC 9112, section 3.2): one that a proxy would be sent loses its origin, and one that
 * cannot be read becomes a path where there is nothing. So nothing behind this can fail on it.
 */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return '/*';
  const { pathname, search } = new URL(target);
  return pathname + search;
}

/** The query of a request target in origin-form. */
export function queryOf(target: string): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : target.slice(at + 1));
}

/** Whether an If-None-Match header matches an entity tag (RFC 9110, section 13.1.2: weak comparison). */
export function tagMatches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
