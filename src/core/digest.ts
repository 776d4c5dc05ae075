import canonicalize from 'canonicalize';
import { digestSubject } from '../contract/digest.ts';
import type { ApprovedRecord } from '../contract/records.ts';
import { sha256 } from './hash.ts';
import type { Ledger } from './ledger-ports.ts';

/**
 * The canonical form of a JSON value (RFC 8785): the same bytes for the same content, whatever the order of keys.
 * Strings must be well-formed Unicode; the gate refuses others before they get here.
 */
export const canonical = (value: unknown): string => canonicalize(value) ?? 'null';

/** A strong entity tag over a whole record (RFC 9110, section 8.8.3), quoted. */
export const etagOf = (record: unknown): string => `"${sha256(canonical(record)).slice(0, 32)}"`;

/** Whether an If-Match header allows a record as it is now (RFC 9110, section 13.1.1: strong comparison). */
export function tagHolds(header: string | undefined, record: unknown): boolean {
  if (header === undefined || header.trim() === '*') return true;
  const etag = etagOf(record);
  return header.split(',').some((tag) => tag.trim() === etag);
}

/** The digest that an approval names, in lower-case hex. */
export const digestOf = (...subject: Parameters<typeof digestSubject>): string =>
  sha256(canonical(digestSubject(...subject)));

/**
 * Digests of records, each made once: a list of large drafts would make all of them again. Goes by the identity of the
 * record, so it must never change; the store gives frozen ones.
 */
export function createDigests(): typeof digestOf {
  const known = new WeakMap<object, { provider: string; digest: string }>();
  return (record, provider) => {
    if (!Object.isFrozen(record)) return digestOf(record, provider);
    const named = canonical(provider);
    const before = known.get(record);
    if (before?.provider === named) return before.digest;
    const digest = digestOf(record, provider);
    known.set(record, { provider: named, digest });
    return digest;
  };
}

/** The seal of an artifact: an HMAC, with the ledger's `seal` key, over everything that was decided. */
export function sealOf(artifact: ApprovedRecord, ledger: Pick<Ledger, 'mac'>): string {
  const { id, draft_id, digest, approved_at, approved_by, shown_digest, expires_at, key_id } =
    artifact;
  const sealed = {
    ...{ id, draft_id, digest, approved_at, approved_by, shown_digest, expires_at, key_id },
    provider: artifact.provider,
    provider_resolved: artifact.provider_resolved,
  };
  return ledger.mac('seal', `gimo-seal-v1\n${canonical(sealed)}`);
}
