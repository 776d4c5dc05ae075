import { randomBytes } from 'node:crypto';
import { GimoError } from '../contract/errors.ts';
import { idPattern, type RecordKind } from '../contract/records.ts';
import type { Clock } from './clock.ts';
import { sha256 } from './hash.ts';

const nouns = { draft: 'draft', approved: 'approved artifact', run: 'run' } as const;
const letters = { draft: 'd', approved: 'a', run: 'r' } as const;

/** The error for an id that leads nowhere. */
export const unknownId = (kind: RecordKind): GimoError =>
  new GimoError('not_found', `There is no ${nouns[kind]} with this id.`);

/** Throws `not_found` unless an id has the right form; only then may a path be made of it. */
export function requireId(kind: RecordKind, id: string): void {
  if (!idPattern[kind].test(id)) throw unknownId(kind);
}

export interface Ids {
  draft(): string;
  run(): string;
  /**
   * The id of a draft's artifact. Its last part is derived from the draft's id, so that an artifact whose draft was
   * not settled before a crash can be found by name.
   */
  approved(draftId: string): string;
}

/** The part of an artifact's id that names its draft. */
export const approvedSuffix = (draftId: string): string => sha256(draftId).slice(0, 16);

/** Makes ids that sort by age, also when the clock stands still or goes back for a moment. */
export function createIds(clock: Clock): Ids {
  let last = 0;
  const next = (kind: RecordKind, suffix: string) => {
    last = Math.max(clock.now(), last + 1);
    return `${letters[kind]}_${last}_${suffix}`;
  };
  const random = () => randomBytes(6).toString('hex');
  return {
    draft: () => next('draft', random()),
    run: () => next('run', random()),
    approved: (draftId) => next('approved', approvedSuffix(draftId)),
  };
}
