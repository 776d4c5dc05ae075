import { GimoError } from '../contract/errors.ts';
import type { Config } from '../contract/records.ts';
import { canonical } from './digest.ts';
import type { Call } from './handlers.ts';

/** Whether two configurations differ in who may approve or in which programs may run. */
export const policyDiffers = (one: Config, other: Config): boolean =>
  canonical([one.approval_channel, one.command_allowlist]) !==
  canonical([other.approval_channel, other.command_allowlist]);

/** What would change from one configuration to another, a line each, as a person reads it. */
export function configChanges(before: Config, after: Config): string[] {
  const { command_allowlist: had, ...one } = before;
  const { command_allowlist: has, ...other } = after;
  const was = new Map<string, unknown>(Object.entries(one));
  const fields = Object.entries(other)
    .filter(([field, value]) => value !== was.get(field))
    .map(([field, value]) => `${field}: ${was.get(field)} → ${value}`);
  return [...fields, ...allowlistChanges(had, has)];
}

type Programs = Config['command_allowlist'];

function allowlistChanges(before: Programs, after: Programs): string[] {
  if (canonical(before) === canonical(after)) return [];
  const lines = (programs: Programs) => new Set(programs.map(inWords));
  const [had, has] = [lines(before), lines(after)];
  const changes = [
    ...[...has].filter((line) => !had.has(line)).map((line) => `command_allowlist: adds ${line}`),
    ...[...had]
      .filter((line) => !has.has(line))
      .map((line) => `command_allowlist: takes out ${line}`),
  ];
  return changes.length > 0 ? changes : ['command_allowlist: the same programs in another order'];
}

/* In JSON, so that nobody can write one argument that reads as two. */
const inWords = ({ program, args_prefix }: Programs[number]) =>
  args_prefix.length === 0
    ? `${JSON.stringify(program)} with any arguments`
    : `${JSON.stringify(program)} with arguments that begin with ${JSON.stringify(args_prefix)}`;

/**
 * Who may approve and which programs may run is decided where the server is hosted (DESIGN, section 4).
 * @throws GimoError `editor_required` if an editor hosts the server and somebody else calls
 */
export function requireEditor(call: Call, hostedBy: 'editor' | 'headless'): void {
  if (hostedBy !== 'editor' || call.principal.role === 'editor') return;
  throw new GimoError(
    'editor_required',
    'This changes who may approve or which programs may run, so it is done in the editor that hosts the server.',
  );
}
