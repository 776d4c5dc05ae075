import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from './discover.ts';
import { CliError } from './failures.ts';

export interface Parts {
  prompt: string;
  content: string;
}

/** What came out of an editor. The file is there until it is discarded. */
export interface Edited extends Parts {
  file: string;
  discard(): Promise<void>;
}

/** Puts prompt and content into one text, with a line between them that neither of them holds. */
export function joinParts({ prompt, content }: Parts, mark: string): string {
  return `${prompt}\n${mark}\n${content}\n`;
}

/**
 * Takes the text apart again. Editors end a file with a line end, which {@link joinParts} wrote already: one is dropped.
 *
 * @returns null unless the line between stands there exactly once
 */
export function splitParts(text: string, mark: string): Parts | null {
  const lines = text.split('\n');
  const isMark = (line: string) => line.trimEnd() === mark;
  const at = lines.findIndex(isMark);
  if (at === -1 || lines.findLastIndex(isMark) !== at) return null;
  const prompt = lines.slice(0, at).join('\n');
  return {
    prompt,
    content: lines
      .slice(at + 1)
      .join('\n')
      .replace(/\n$/, ''),
  };
}

/**
 * Opens prompt and content in the person's editor and waits until it is closed.
 *
 * @throws CliError when no editor is set, when it fails, or when the line between prompt and content is gone
 */
export async function editInEditor(env: Env, parts: Parts): Promise<Edited> {
  const editor = [env.VISUAL, env.EDITOR].find((one) => (one ?? '').trim() !== '');
  if (editor === undefined)
    throw new CliError(
      'usage',
      'No editor is set. Set VISUAL or EDITOR, or use --prompt, --content or --content-file.',
    );
  const dir = await mkdtemp(join(tmpdir(), 'gimo-edit-'));
  const file = join(dir, 'draft.md');
  const mark = `<!-- gimo ${randomBytes(4).toString('hex')}: prompt above, content below, keep this line -->`;
  await writeFile(file, joinParts(parts, mark), { mode: 0o600, flag: 'wx' });
  const ended = await open(editor, file);
  if (ended !== 0)
    throw new CliError(
      'refused',
      `The editor ended with ${ended}; nothing was changed. Your text is kept in ${file}`,
    );
  const edited = splitParts(await readFile(file, 'utf8'), mark);
  if (edited === null)
    throw new CliError(
      'usage',
      `The line between prompt and content is gone; nothing was changed. Your text is kept in ${file}`,
    );
  return { ...edited, file, discard: () => rm(dir, { recursive: true, force: true }) };
}

/* The setting is a shell command line, such as `code --wait`, as it is for git. */
function open(editor: string, file: string): Promise<number | NodeJS.Signals> {
  const child =
    process.platform === 'win32'
      ? spawn(`${editor} "${file}"`, { shell: true, stdio: 'inherit' })
      : spawn('sh', ['-c', `${editor} "$@"`, editor, file], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 1));
  });
}
