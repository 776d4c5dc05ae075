import { GimoError } from '../contract/errors.ts';
import type { Step } from '../contract/records.ts';
import { normalPath } from './cover.ts';
import { fillEdits, type Standing } from './fill.ts';
import { inWords } from './generate-answer.ts';
import { placeholder, placeholdersIn, type Redactor } from './redaction.ts';
import type { Workspace } from './work.ts';

/* The files that a model is shown, and what its changes to them become. */

/** Characters of all files that are shown, together. */
export const mostShown = 200_000;
/** Characters of files that are looked at for it: a folder may hold many that do not fit. */
const mostLooked = 4_000_000;

const byteOrderMark = '\u{feff}';

/** A file that a model was shown. */
export interface ShownFile {
  path: string;
  /** Of the bytes as they were when it was shown. */
  sha256: string;
  /** What the model saw: secrets and the byte order mark are left out. */
  text: string;
  /** What the file holds. */
  whole: string;
}
export interface GatheredFiles {
  shown: readonly ShownFile[];
  /** The paths of those that did not fit, or are no text. */
  left: readonly string[];
  /** There are more than were looked for. */
  more: boolean;
}

export interface FilePorts {
  /** The files of the workspace that clients may read. */
  readable(): Promise<{ files: readonly string[]; truncated: boolean }>;
  workspace: Pick<Workspace, 'look'>;
  redactor: Pick<Redactor, 'redactLines'>;
}

/**
 * Reads the files that clients may read, whole ones only, up to {@link mostShown} characters; those that the prompt
 * names come first. Text and hash of a file come from one look at it: what is changed later is changed from that.
 */
export async function gatherFiles(
  { readable, workspace, redactor }: FilePorts,
  prompt: string,
): Promise<GatheredFiles> {
  const { files, truncated } = await readable();
  const shown: ShownFile[] = [];
  const left: string[] = [];
  let [room, looked] = [mostShown, 0];
  for (const path of namedFirst(files, prompt)) {
    const found = looked > mostLooked || room === 0 ? null : await workspace.look(path);
    // Gone by now, or a name in which a secret was replaced.
    if (found?.state === 'missing' || found?.state === 'refused') continue;
    const whole = found?.text ?? null;
    looked += whole?.length ?? 0;
    if (found === null || whole === null || whole.length > room) {
      left.push(path);
      continue;
    }
    const text = redactor.redactLines(withoutMark(whole));
    room -= Math.min(room, whole.length);
    shown.push({ path, sha256: found.sha256, text, whole });
  }
  return { shown, left, more: truncated };
}

function namedFirst(files: readonly string[], prompt: string): string[] {
  const named = (path: string) => prompt.includes(path.slice(path.lastIndexOf('/') + 1));
  return [...files.filter(named), ...files.filter((path) => !named(path))];
}

const withoutMark = (text: string) =>
  text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text;

export interface BasePorts {
  workspace: Pick<Workspace, 'look'>;
  files: GatheredFiles;
  /** Whether the caller may be told of this path whether there is something. */
  mayTell(path: string): Promise<boolean>;
}

/**
 * Fills in from which version of a file each change of a model was made: the one that it was shown, and no other.
 * @throws GimoError `provider_error` for a change of what it was not shown, or of what no edit may change
 */
export function fillGenerated(steps: readonly Step[], ports: BasePorts): Promise<Step[]> {
  const shown = new Map(ports.files.shown.map((file) => [file.path, file]));
  return fillEdits(steps, async ({ path: given, text }, earlier) => {
    const path = normalPath(given);
    const seen = shown.get(path);
    const known: Standing | undefined =
      earlier === undefined && seen !== undefined ? { ...seen, text: seen.whole } : earlier;
    const before = known === undefined ? await requireMissing(path, ports) : known;
    if (text === null && before === null)
      throw misproposed(`The model proposed to delete ${inWords(path)}, which does not exist.`);
    const next = text === null ? null : likeBase(before?.text ?? '', text);
    if (next !== null && placeholdersIn(next) > placeholdersIn(before?.text ?? ''))
      throw misproposed(
        `The model wrote ${placeholder} into ${inWords(path)}, in place of a secret that it was not shown.`,
      );
    return { path, base_sha256: before?.sha256 ?? null, text: next };
  });
}

const misproposed = (what: string) =>
  new GimoError('provider_error', `${what} Word the request differently and generate again.`);

async function requireMissing(path: string, { workspace, mayTell }: BasePorts): Promise<null> {
  const name = inWords(path);
  const allow = 'Let clients read it ("Let Clients Read…" in the explorer) and generate again.';
  if (!(await mayTell(path)))
    throw new GimoError(
      'provider_error',
      `The model proposed to change ${name}, which clients may not read. ${allow}`,
    );
  const found = await workspace.look(path);
  if (found.state === 'refused')
    throw misproposed(`The model proposed to change ${name}. ${found.why}`);
  if (found.state === 'file')
    throw new GimoError(
      'provider_error',
      `The model proposed to change ${name}, which it had not been shown. ${allow}`,
    );
  return null;
}

/**
 * A model's text with the line ends, the byte order mark and the last line end of the file that it replaces. Models
 * write plain lines and lose the last line end, whatever they were shown; without this a one-line change would change
 * every line. What a model does write itself stays: a carriage return, a byte order mark, a last line end where the
 * file had none.
 *
 * @param base what the file holds; empty for a new file
 */
export function likeBase(base: string, text: string): string {
  if (text === '') return text;
  const ended = base.endsWith('\n') && !text.endsWith('\n') ? `${text}\n` : text;
  const windows = base.includes('\n') && !/(?<!\r)\n/.test(base) && !text.includes('\r');
  const lines = windows ? ended.replaceAll('\n', '\r\n') : ended;
  return base.startsWith(byteOrderMark) && !text.startsWith(byteOrderMark)
    ? byteOrderMark + lines
    : lines;
}
