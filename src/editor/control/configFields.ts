import type { Config } from '../../contract/records.ts';
import { counted } from '../text.ts';
import { channelWords } from './words.ts';

/*
 * The configuration as questions that a person can answer: what a field means, and what it may be. The limits are those of
 * the contract; the server checks them again.
 */

type FieldName = keyof Config;

interface FieldText {
  title: string;
  /** What it means, in a sentence. */
  detail: string;
}

export type Field = FieldText &
  (
    | { name: FieldsOf<boolean>; kind: 'yesNo' }
    | {
        name: FieldsOf<number>;
        kind: 'number';
        unit: string;
        least: number;
        most: number;
        zero?: string;
      }
    | { name: 'approval_channel'; kind: 'channel' }
    | { name: 'command_allowlist'; kind: 'programs' }
  );

type FieldsOf<T> = { [K in FieldName]: Config[K] extends T ? K : never }[FieldName];

export const fields: readonly Field[] = [
  {
    ...{ name: 'command_allowlist', kind: 'programs' },
    title: 'Programs that command steps may run',
    detail: 'All others are refused, whoever approves.',
  },
  {
    ...{ name: 'approval_channel', kind: 'channel' },
    title: 'Who may approve',
    detail: 'In the editor, or whoever has the operator token as well.',
  },
  {
    ...{ name: 'default_auto_run', kind: 'yesNo' },
    title: 'Run at once when approved',
    detail: 'For approvals that do not say whether to run.',
  },
  {
    ...{ name: 'require_reason_on_reject', kind: 'yesNo' },
    title: 'A rejection needs a reason',
    detail: 'So that whoever proposed it learns something.',
  },
  {
    ...{ name: 'operator_can_generate', kind: 'yesNo' },
    title: 'Operators may generate drafts',
    detail: 'Asks the provider, which may cost money. Agents and admins always may.',
  },
  {
    ...{ name: 'approval_ttl_minutes', kind: 'number', unit: 'minute', least: 0, most: 5_256_000 },
    ...{ title: 'An approval expires after', zero: 'never' },
    detail: 'What was approved but not run by then needs a new approval.',
  },
  {
    ...{ name: 'max_concurrent_runs', kind: 'number', unit: 'run', least: 1, most: 64 },
    ...{ title: 'Runs at the same time', detail: 'Others wait until a place is free.' },
  },
  {
    ...{ name: 'run_timeout_s', kind: 'number', unit: 'second', least: 1, most: 604_800 },
    ...{ title: 'A run may take', detail: 'Waiting at a gate or paused does not count.' },
  },
  {
    ...{ name: 'run_ttl_hours', kind: 'number', unit: 'hour', least: 1, most: 876_000 },
    ...{ title: 'Finished runs are kept for', detail: 'The audit log keeps what was done.' },
  },
  {
    ...{ name: 'draft_cleanup_ttl_days', kind: 'number', unit: 'day', least: 0, most: 36_500 },
    ...{ title: 'Rejected and failed drafts are kept for', zero: 'ever' },
    detail: 'Then they are deleted.',
  },
];

/** The value of a field, as people say it. */
export function valueWords(field: Field, config: Config): string {
  switch (field.kind) {
    case 'yesNo':
      return config[field.name] ? 'yes' : 'no';
    case 'number': {
      const value = config[field.name];
      return value === 0 && field.zero !== undefined ? field.zero : counted(value, field.unit);
    }
    case 'channel':
      return channelWords[config.approval_channel].short;
    case 'programs':
      return config.command_allowlist.length === 0
        ? 'none'
        : counted(config.command_allowlist.length, 'program');
  }
}

/** Says why a text cannot be the value of such a field; undefined if it can. */
export function numberProblem(
  { least, most, zero }: Extract<Field, { kind: 'number' }>,
  text: string,
): string | undefined {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return undefined;
  const never = zero === undefined ? '' : ` 0 means ${zero}.`;
  return `A whole number from ${least} to ${most.toLocaleString('en')}, please.${never}`;
}

/** Splits arguments as a person types them: at spaces, unless they stand between double quotes. */
export function argumentsIn(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain = '']) => quoted?.replace(/\\(.)/g, '$1') ?? plain,
  );
}
