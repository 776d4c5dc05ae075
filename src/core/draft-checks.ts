import { validationError } from '../contract/errors.ts';
import type { Step } from '../contract/records.ts';
import { normalPath } from './cover.ts';

/**
 * Checks steps beyond their schema.
 * @throws GimoError `validation_error` if two steps share an id, or a step names a file twice
 */
export function checkSteps(steps: readonly Step[] | null): void {
  const seen = new Set<string>();
  for (const [index, step] of (steps ?? []).entries()) {
    if (seen.has(step.id))
      throw repeated([index, 'id'], 'Two steps have the same id. Give each its own.');
    seen.add(step.id);
    const paths = new Set<string>();
    for (const [at, { path }] of (step.kind === 'edit' ? step.changes : []).entries()) {
      if (paths.has(normalPath(path)))
        throw repeated(
          [index, 'changes', at, 'path'],
          'A step changes the same file twice. Make one change of the two.',
        );
      paths.add(normalPath(path));
    }
  }
}

const repeated = (loc: (string | number)[], msg: string) =>
  validationError(['body', 'steps', ...loc], msg, 'duplicate');

/**
 * A change is approved together with what it was made from. The gate fills that in; only a file that came past it lacks
 * it.
 * @throws GimoError `validation_error`
 */
export function requireBases(steps: readonly Step[] | null): void {
  for (const [index, step] of (steps ?? []).entries())
    for (const [at, change] of (step.kind === 'edit' ? step.changes : []).entries()) {
      if (change.base_sha256 !== undefined) continue;
      throw validationError(
        ['body', 'steps', index, 'changes', at, 'base_sha256'],
        'This change does not say which version of the file it was made from, so it cannot be approved. Save the draft again, or propose it anew.',
        'missing',
      );
    }
}
