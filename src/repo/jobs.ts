import { type Dirent, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Cover, createCover, normalPath } from '../core/cover.ts';
import { createRedactor } from '../core/redaction.ts';
import { isDenied } from './denied.ts';
import {
  beginsLikeText,
  checkedPath,
  identityOf,
  type Refusal,
  Refused,
  realPlace,
  refusalOf,
  wholeText,
  withFile,
} from './inside.ts';

/** What a thread is asked to do. Times are milliseconds since 1970. */
export type Job =
  | { kind: 'kind'; root: string; path: string }
  | ({ kind: 'tree'; path: string; depth: number; most: number; until: number } & Scope)
  | ({ kind: 'text'; path: string; known: string | null } & Scope)
  | ({ kind: 'search'; text: string; ext: string | null; most: number; until: number } & Scope)
  | { kind: 'redact'; text: string; secrets: readonly string[] }
  /** Which of these paths may be shown. */
  | { kind: 'visible'; paths: readonly string[]; covered: readonly string[] | null };

interface Scope {
  root: string;
  covered: readonly string[] | null;
  secrets: readonly string[];
}

/** The characters of a line that a search shows. */
const longestLine = 300;
/** Entries of folders that are looked at for one answer. */
const mostSeen = 200_000;

/** Carries out a job. It throws only what nobody expects. */
export function carryOut(job: Job): { ok: unknown } | { refused: Refusal } {
  try {
    return { ok: resultOf(job) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.why };
    throw error;
  }
}

function resultOf(job: Job): unknown {
  switch (job.kind) {
    case 'kind':
      return kindOf(job.root, job.path);
    case 'tree':
      return tree(job);
    case 'text':
      return text(job);
    case 'search':
      return search(job);
    case 'redact':
      return createRedactor(() => job.secrets).redactLines(job.text);
    case 'visible': {
      const { covers } = createCover(job.covered);
      return job.paths.filter((path) => !isDenied(path) && covers(normalPath(path)));
    }
  }
}

function kindOf(root: string, given: string): 'file' | 'dir' | null {
  try {
    const found = lstatSync(realPlace(root, checkedPath(given), () => true));
    return found.isDirectory() ? 'dir' : found.isFile() ? 'file' : null;
  } catch (error) {
    const told = refusalOf(error);
    if (told instanceof Refused && told.why === 'missing') return null;
    throw told;
  }
}

function text({ root, covered, secrets, path, known }: Job & { kind: 'text' }) {
  return withFile(root, checkedPath(path), createCover(covered), (fd, stats) => {
    const identity = identityOf(stats);
    if (identity === known) return { identity, text: null };
    return { identity, text: createRedactor(() => secrets).redactLines(wholeText(fd, stats)) };
  });
}

function tree(job: Job & { kind: 'tree' }) {
  const { root, secrets, most, until } = job;
  const cover = createCover(job.covered);
  const start = checkedPath(job.path);
  if (!cover.mayHold(start)) throw new Refused('refused');
  try {
    if (!lstatSync(realPlace(root, start, cover.mayHold)).isDirectory())
      throw new Refused('not_dir');
  } catch (error) {
    throw refusalOf(error);
  }
  const { redactKnown } = createRedactor(() => secrets);
  const files: string[] = [];
  let truncated = false;
  for (const file of filesBelow(root, start, cover, job.depth)) {
    truncated = file === null || files.length >= most || Date.now() > until;
    if (file === null || truncated) break;
    if (isShown(root, file, cover)) files.push(redactKnown(file));
  }
  return { files: files.sort(), truncated };
}

function isShown(root: string, file: string, cover: Cover): boolean {
  try {
    return withFile(root, file, cover, beginsLikeText);
  } catch (error) {
    if (error instanceof Refused) return false; // gone, or something else by now
    throw error;
  }
}

function search(job: Job & { kind: 'search' }) {
  const { root, ext, most, until } = job;
  const cover = createCover(job.covered);
  const redactor = createRedactor(() => job.secrets);
  const needle = job.text.toLowerCase();
  const ending = ext === null ? '' : `.${ext.replace(/^\./, '').toLowerCase()}`;
  const results: { file: string; line: number; content: string }[] = [];
  for (const file of filesBelow(root, '.', cover, Number.POSITIVE_INFINITY)) {
    if (file === null || Date.now() > until) return { results, truncated: true };
    if (!file.toLowerCase().endsWith(ending)) continue;
    const raw = textIn(root, file, cover);
    if (!raw?.toLowerCase().includes(needle)) continue;
    // What is searched is what may be shown: a search for the beginning of a secret must not find it.
    let line = 0;
    for (const content of linesOf(redactor.redactLines(raw))) {
      line += 1;
      const found = content.toLowerCase().indexOf(needle);
      if (found < 0) continue;
      if (results.length >= most) return { results, truncated: true };
      const shown = around(content, found, needle.length);
      results.push({ file: redactor.redactKnown(file), line, content: shown });
    }
  }
  return { results, truncated: false };
}

function textIn(root: string, file: string, cover: Cover): string | null {
  try {
    return withFile(root, file, cover, wholeText);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** One at a time: a file may hold five million. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf('\n', from);
    yield text.slice(from, end < 0 ? text.length : end);
    if (end < 0) return;
    from = end + 1;
  }
}

/** A line without the space around it; of a long one the part that holds what was found. */
function around(line: string, at: number, length: number): string {
  if (line.length <= longestLine) return line.trim();
  const from = Math.max(0, at - Math.floor((longestLine - length) / 2));
  const part = line.slice(from, from + longestLine);
  const more = from + longestLine < line.length ? '…' : '';
  return `${from > 0 ? '…' : ''}${part.toWellFormed().trim()}${more}`;
}

/**
 * The files below a folder that are covered and not denied, nearest first, in order of their names. Links are not
 * followed. Ends with null when there is more than may be looked at.
 */
function* filesBelow(
  root: string,
  start: string,
  cover: Cover,
  depth: number,
): Generator<string | null> {
  let seen = 0;
  let folders = [start];
  for (let level = 0; level <= depth && folders.length > 0; level += 1) {
    const next: string[] = [];
    for (const folder of folders)
      for (const entry of entriesOf(root, folder)) {
        seen += 1;
        if (seen > mostSeen) return yield null;
        const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
        if (isDenied(path)) continue;
        if (entry.isDirectory() && cover.mayHold(path)) next.push(path);
        else if (entry.isFile() && cover.covers(path)) yield path;
      }
    folders = next;
  }
}

function entriesOf(root: string, folder: string): Dirent[] {
  const full = folder === '.' ? root : join(root, folder);
  try {
    const found = readdirSync(full, { withFileTypes: true });
    // Somebody may have put a link in the place of a folder that was seen a moment ago.
    if (folder !== '.' && realpathSync.native(full) !== full) return [];
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (refusalOf(error) instanceof Refused) return [];
    throw error;
  }
}
