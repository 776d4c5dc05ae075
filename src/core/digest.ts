import canonicalize from 'canonicalize';
import type { ApprovedRecord, DraftRecord, ResolvedProvider, Step } from '../contract/records.ts';
import type { Ledger } from './ports.ts';
import { sha256 } from './principals.ts';

/**
 * The canonical form of a JSON value (RFC 8785): the same bytes for the same content, whatever the order of keys.
 * Strings must be well-formed Unicode; the gate refuses others before they get here.
 */
export const canonical = (value: unknown): string => canonicalize(value) ?? 'null';

/** A strong entity tag over a whole record (RFC 9110, section 8.8.3), quoted. */
export const etagOf = (record: unknown): string => `"${sha256(canonical(record)).slice(0, 32)}"`;

/** Whether any step asks a model; a draft without steps is one prompt step. */
export const asksModel = (steps: readonly Step[] | null): boolean =>
  steps === null || steps.some((step) => step.kind === 'prompt');

type Approvable = Pick<DraftRecord, 'prompt' | 'content' | 'context' | 'steps'>;

/**
 * The digest that an approval names: SHA-256 over the RFC 8785 form of what would be approved.
 *
 * @param provider the provider that is active at this moment; left out of the digest if no step asks a model
 */
export function digestOf(subject: Approvable, provider: ResolvedProvider | null): string {
  return sha256(
    canonical({
      prompt: subject.prompt,
      content: subject.content ?? '',
      context: subject.context,
      steps: subject.steps,
      provider: asksModel(subject.steps) ? pick(provider) : null,
    }),
  );
}

const pick = (provider: ResolvedProvider | null) =>
  provider === null
    ? null
    : {
        name: provider.name,
        type: provider.type,
        origin: provider.origin,
        model: provider.model,
      };

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
