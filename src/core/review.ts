import type { Draft } from '../contract/operations.ts';
import type { CommandStep, Config, EditStep, Warning } from '../contract/records.ts';
import { sensitive } from '../contract/sensitive.ts';
import { commandRefused } from './commands.ts';
import type { Drafts } from './drafts.ts';
import type { Handlers } from './handlers.ts';
import { sha256 } from './hash.ts';
import { isPerson } from './principals.ts';
import { placeholder, placeholdersIn, type Redactor } from './redaction.ts';
import type { Judge, Repository } from './repository.ts';
import type { Settings } from './settings.ts';
import type { FoundFile, Programs, Workspace } from './work.ts';

export interface ReviewPorts {
  drafts: Pick<Drafts, 'told'>;
  workspace: Pick<Workspace, 'look' | 'isUnsaved'>;
  programs: Pick<Programs, 'refused'>;
  settings: Pick<Settings, 'config'>;
  redactor: Pick<Redactor, 'redact'>;
  judge: Repository['judge'];
}

type Change = EditStep['changes'][number];

/** Compares a draft that waits with the workspace as it is now; of one that is final there is nothing to tell. */
export function reviewHandler(ports: ReviewPorts): Handlers['reviewDraft'] {
  return {
    async read(input, call) {
      const draft = await ports.drafts.told(input.draft_id, call);
      if (draft.status !== 'draft') return { body: { digest: draft.digest, warnings: [] } };
      const maySee = isPerson(call) ? () => true : await ports.judge();
      const warnings = await warningsOf(draft, maySee, ports);
      return { body: { digest: draft.digest, warnings } };
    },
  };
}

async function warningsOf(draft: Draft, maySee: Judge, ports: ReviewPorts): Promise<Warning[]> {
  const warnings = ofTexts(draft, ports.redactor);
  /* What earlier steps leave behind, so that a later one is not blamed for the file that it would find then. */
  const written = new Map<string, FoundFile>();
  const { command_allowlist: allowlist } = ports.settings.config();
  for (const step of draft.steps ?? []) {
    if (step.kind === 'command') warnings.push(...ofCommand(step, allowlist, ports));
    if (step.kind === 'prompt' && looksSecret(step.text, ports.redactor))
      warnings.push(secretIn('The text of this step', step.id));
    if (step.kind !== 'edit') continue;
    for (const change of step.changes) {
      const found = written.get(change.path) ?? (await ports.workspace.look(change.path));
      const seen = written.has(change.path) || maySee(change.path) ? textOf(found) : '';
      warnings.push(...ofChange(step.id, change, { found, seen }, ports));
      if (found.state !== 'refused') written.set(change.path, afterwards(change));
    }
  }
  return warnings;
}

function ofTexts({ prompt, content, context }: Draft, redactor: ReviewPorts['redactor']) {
  const texts = [
    ['The prompt', prompt],
    ['The content', content ?? ''],
    ['The context', JSON.stringify(context)],
  ] as const;
  return texts
    .filter(([, text]) => looksSecret(text, redactor))
    .map(([what]) => secretIn(what, null));
}

function ofCommand(
  step: CommandStep,
  allowlist: Config['command_allowlist'],
  { programs, redactor }: ReviewPorts,
): Warning[] {
  const why = commandRefused(step, allowlist) ?? programs.refused(step.argv[0] ?? '');
  const refused: Warning[] =
    why === null ? [] : [{ code: 'command_refused', step: step.id, path: null, message: why }];
  const secret = step.argv.some((argument) => looksSecret(argument, redactor));
  return [...refused, ...(secret ? [secretIn('The command line', step.id)] : [])];
}

const textOf = (found: FoundFile) => (found.state === 'file' ? (found.text ?? '') : '');

/** @param seen what the warnings may go by: whoever may not read a file must not find out its lines by guessing them */
function ofChange(
  step: string,
  change: Change,
  { found, seen }: { found: FoundFile; seen: string },
  ports: ReviewPorts,
): Warning[] {
  const { path, text } = change;
  const tell = (code: Warning['code'], message: string): Warning => ({ code, step, path, message });
  if (found.state === 'refused') return [tell('path_refused', found.why)];
  const does = sensitive(path);
  const told: (Warning | false | null)[] = [
    baseChanged(change, found, tell),
    does !== null &&
      tell('sensitive_path', `This file ${does}. Approve it only if you meant that to change.`),
    ports.workspace.isUnsaved(path) && tell('unsaved', unsaved),
    placeholdersIn(text ?? '') > placeholdersIn(seen) && tell('placeholder', notWhole),
    text !== null &&
      looksSecret(newLines(text, seen), ports.redactor) && {
        ...secretIn('The new text', step),
        path,
      },
  ];
  return told.filter((one) => one !== null && one !== false);
}

const unsaved =
  'The file is open with changes that are not saved. Save or revert them before the run.';
const notWhole = `The new text holds ${placeholder}, which was put where something secret stood. Whoever wrote it did not see the whole file.`;

/** Tells if the file is not the one that the change was made from, as far as the change says. */
function baseChanged(
  { base_sha256: base }: Change,
  found: FoundFile,
  tell: (code: Warning['code'], message: string) => Warning,
): Warning | null {
  if (base === undefined || found.state === 'refused') return null;
  const now = found.state === 'file' ? found.sha256 : null;
  if (now === base) return null;
  const what =
    base === null
      ? 'This step makes a new file, but there is one at this path by now.'
      : now === null
        ? 'The file that this change was made from is not there any more.'
        : 'The file has changed since this change was made from it.';
  return tell(
    'base_changed',
    `${what} Reject the draft, or have it made again from the file as it is now.`,
  );
}

function afterwards({ text }: Change): FoundFile {
  if (text === null) return { state: 'missing' };
  return { state: 'file', sha256: sha256(text), bytes: Buffer.byteLength(text), text };
}

/** The lines that the file does not have yet: an edit is not to be blamed for what stands there already. */
function newLines(text: string, before: string): string {
  const had = new Set(before.split('\n'));
  return text
    .split('\n')
    .filter((line) => !had.has(line))
    .join('\n');
}

const looksSecret = (text: string, redactor: ReviewPorts['redactor']) =>
  redactor.redact(text) !== text;

const secretIn = (what: string, step: string | null): Warning => ({
  ...{ code: 'secret', step, path: null },
  message: `${what} holds what looks like a key or a password. It would be kept as it stands; take it out if it is real.`,
});
