import type { RunRecord, RunStep } from '../contract/records.ts';

/*
 * What steps left behind, read without the contract's schemas: trees are drawn before anything heavy is loaded.
 */

export interface EditedFile {
  path: string;
  did: string;
}

/** The files that an edit step changed; none of another step, or if it did not come to that. */
export function editedFiles({ kind, result }: RunStep): EditedFile[] {
  if (kind !== 'edit' || !isObject(result) || !Array.isArray(result.files)) return [];
  return result.files.flatMap((file: unknown) => {
    if (!isObject(file) || typeof file.path !== 'string' || typeof file.did !== 'string') return [];
    return [{ path: file.path, did: file.did }];
  });
}

/** How a command ended: its exit code, or the signal that ended it; null if there is nothing to tell. */
export function exitOf({ kind, result }: RunStep): string | null {
  if (kind !== 'command' || !isObject(result)) return null;
  if (typeof result.exit_code === 'number') return `exit ${result.exit_code}`;
  return typeof result.signal === 'string' ? result.signal : null;
}

/** Who let a run go on past a gate. */
export function continuedBy({ kind, result }: RunStep): string | null {
  if (kind !== 'gate' || !isObject(result)) return null;
  return typeof result.continued_by === 'string' ? result.continued_by : null;
}

/** The answer of a model. */
export function answerOf({ result }: RunStep): string | null {
  return isObject(result) && typeof result.text === 'string' && result.text !== ''
    ? result.text
    : null;
}

/** Whether there is something that an undo could put back. */
export const changedFiles = ({ steps, undone_at }: Pick<RunRecord, 'steps' | 'undone_at'>) =>
  undone_at === undefined && steps.some(({ kind, status }) => kind === 'edit' && status === 'done');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
