import { mayCall } from '../contract/operation.ts';
import { table } from '../contract/operations.ts';
import type { Step } from '../contract/records.ts';
import type { Call } from './handlers.ts';
import type { Repository } from './repository.ts';

/** A draft, or an artifact. */
interface Named {
  steps: Step[] | null;
  digest: string | null;
  shown_digest?: unknown;
}

/**
 * What is kept from callers who may not approve: the SHA-256 of files that clients may not read. Short contents can be
 * guessed from it, and from a digest that is made over it; so `base_sha256` is left out there, and digests are null.
 *
 * @returns for one call, what it is told of a record
 */
export type Withhold = (
  call: Pick<Call, 'principal'>,
) => Promise<<T extends Named>(record: T) => T>;

export const createWithhold =
  ({ judge }: Pick<Repository, 'judge'>): Withhold =>
  async ({ principal }) => {
    if (mayCall(principal.role, table.approveDraft)) return (record) => record;
    const mayRead = await judge();
    return (record) => {
      const steps = record.steps?.map((step) => withoutBases(step, mayRead)) ?? null;
      if (steps === null || steps.every((step, at) => step === record.steps?.[at])) return record;
      const shown = 'shown_digest' in record ? { shown_digest: null } : {};
      return { ...record, ...shown, steps, digest: null };
    };
  };

/** @returns the step itself if it names no such file */
function withoutBases(step: Step, mayRead: (path: string) => boolean): Step {
  if (step.kind !== 'edit') return step;
  let told = true;
  const changes = step.changes.map((change) => {
    const { base_sha256: base, ...rest } = change;
    if (base === undefined || mayRead(change.path)) return change;
    told = false;
    return rest;
  });
  return told ? step : { ...step, changes };
}
