import type { Row } from '../trees/row.ts';

/** A row of the view Control Plane. What a command acts on is named by `kind` and `name`. */
export interface ControlNode {
  kind: ControlKind;
  /** What of its kind it is: a path, a role, a file of settings. */
  name?: string;
  /** The id of the row; it stays the same while the row changes. */
  key: string;
  row: Row;
  /** What it expands into; a row without any cannot be expanded. */
  children?: readonly ControlNode[];
  /** Whether it is open when it is seen for the first time. */
  open?: boolean;
  /** The command that a click gives, with the row as its item. */
  click?: string;
}

export type ControlKind =
  | (
      | 'server'
      | 'provider'
      | 'lockdown'
      | 'approvals'
      | 'programs'
      | 'audit'
      | 'commandLine'
      | 'requests'
    )
  | ('allowlist' | 'changes' | 'quarantine' | 'tokens')
  | ('allowed' | 'change' | 'quarantined' | 'token');

/**
 * What a command was given as its item, if it is of that kind.
 * @returns null if it was given from the palette, or on something else
 */
export function givenName(kind: ControlKind, item: unknown): string | null {
  if (typeof item !== 'object' || item === null) return null;
  if (!('kind' in item) || item.kind !== kind || !('name' in item)) return null;
  return typeof item.name === 'string' ? item.name : null;
}
