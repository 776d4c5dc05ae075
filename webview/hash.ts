import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import { digestSubject } from '../src/contract/digest.ts';
import type { DraftRecord, ResolvedProvider } from '../src/contract/records.ts';

/** What a person decides about, as it is shown. */
export type Subject = Pick<DraftRecord, 'prompt' | 'content' | 'context' | 'steps'>;

const hash = (value: unknown) => bytesToHex(sha256(utf8ToBytes(canonicalize(value) ?? 'null')));

/** The digest of what is shown (DESIGN, section 4), made here and not taken from whoever sent it. */
export function shownDigest(subject: Subject, provider: ResolvedProvider | null): string {
  return hash(digestSubject(subject, provider));
}

export const parts = ['prompt', 'content', 'context', 'steps', 'provider'] as const;
export type Part = (typeof parts)[number];

/** A hash for each part, so that it can be told later which of them changed. */
export type PartHashes = Record<Part, string>;

export function partHashes(subject: Subject, provider: ResolvedProvider | null): PartHashes {
  const { prompt, content, context, steps, provider: asked } = digestSubject(subject, provider);
  return {
    prompt: hash(prompt),
    content: hash(content),
    context: hash(context),
    steps: hash(steps),
    provider: hash(asked),
  };
}

/** The parts that differ, in the order in which they are shown. */
export function changedParts(before: PartHashes, after: PartHashes): Part[] {
  return parts.filter((part) => before[part] !== after[part]);
}
