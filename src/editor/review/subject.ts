import type { PanelSubject } from '../../contract/panel.ts';

/*
 * Looked at without the contract's schemas: commands are registered before anything heavy is loaded.
 */

const kinds = ['draft', 'approved', 'run'] as const satisfies readonly PanelSubject['kind'][];

/**
 * What a command was given: `{kind, id}`, or a row of a tree, which holds its record under the name of its kind.
 *
 * @returns null if it names no record
 */
export function subjectOf(item: unknown): PanelSubject | null {
  if (typeof item !== 'object' || item === null || !('kind' in item)) return null;
  const kind = kinds.find((one) => one === item.kind);
  if (kind === undefined) return null;
  const held: unknown =
    kind in item ? Object.entries(item).find(([key]) => key === kind)?.[1] : item;
  if (typeof held !== 'object' || held === null || !('id' in held)) return null;
  return typeof held.id === 'string' && held.id !== '' ? { kind, id: held.id } : null;
}

/** Names a record among those of all kinds. */
export const keyOf = ({ kind, id }: PanelSubject): string => `${kind}:${id}`;
