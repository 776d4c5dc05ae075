import { realpath } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { GimoError } from '../contract/errors.ts';
import type { RepoFacts } from '../core/repo-ports.ts';
import { hasCode } from '../core/system-error.ts';
import { readText, shown, walk } from './files.ts';
import { createGitLook, type GitLook } from './git.ts';

const mostRead = 2000;
const atOnce = 8;
const linesAtOnce = 2000;
const longestLine = 200;

interface Match {
  file: string;
  line: number;
  content: string;
}
interface Scored extends Match {
  score: number;
}

/**
 * Makes the read-only look at the repository in `root` (an absolute path). With git its list of files is used, which
 * leaves out what is ignored; without git, or where git refuses, the folder is walked. `overview` counts files by
 * name; whether one is text is known when it is read. At most 2,000 files are read for one search, those first whose
 * path holds one of the words.
 *
 * Throws `GimoError('not_found')` where there is no such folder any more, and the signal's reason when aborted.
 */
export function createRepoFacts(root: string): RepoFacts {
  const git = createGitLook(root);
  return {
    async overview() {
      const real = await realRoot(root);
      const [branch, changed, files] = await Promise.all([
        git.branch(),
        git.changed(),
        list(real, git),
      ]);
      const changes = await shown(changed ?? []);
      return { branch, changed: changes.length, files: files.length };
    },
    async matches(words, most, signal) {
      signal.throwIfAborted();
      const real = await realRoot(root);
      const wanted = words.filter((word) => word !== '');
      if (wanted.length === 0 || most < 1) return [];
      const files = nearestFirst(await list(real, git, signal), wanted).slice(0, mostRead);
      let best: Scored[] = [];
      for (let at = 0; at < files.length; at += atOnce) {
        signal.throwIfAborted();
        const some = files.slice(at, at + atOnce);
        const texts = await Promise.all(some.map((file) => readText(real, file)));
        // One after another: each gives way to the event loop, and together they would all do so at once.
        const found: Scored[] = [];
        for (const [index, file] of some.entries())
          found.push(...(await matchesIn(file, texts[index] ?? '', wanted, most, signal)));
        best = top([...best, ...found], most);
      }
      return best.map(({ file, line, content }) => ({ file, line, content }));
    },
  };
}

async function realRoot(root: string): Promise<string> {
  try {
    return await realpath(root);
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      throw new GimoError(
        'not_found',
        'The folder of the repository is not there any more. Open another one.',
      );
    throw error;
  }
}

async function list(real: string, git: GitLook, signal?: AbortSignal): Promise<string[]> {
  return shown((await git.files(signal)) ?? (await walk(real, signal)), signal);
}

/** Files whose path holds one of the words, then the others; each group in its order. */
function nearestFirst(files: readonly string[], words: readonly string[]): string[] {
  const near: string[] = [];
  const far: string[] = [];
  for (const file of files) {
    const path = file.toLowerCase();
    (words.some((word) => path.includes(word)) ? near : far).push(file);
  }
  return [...near, ...far];
}

async function matchesIn(
  file: string,
  text: string,
  words: readonly string[],
  most: number,
  signal: AbortSignal,
): Promise<Scored[]> {
  const lowered = text.toLowerCase();
  const held = words.filter((word) => lowered.includes(word));
  if (held.length === 0) return [];
  const found: Scored[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (const [index, content] of lines.entries()) {
    if (index % linesAtOnce === linesAtOnce - 1) {
      await breathe();
      signal.throwIfAborted();
    }
    const score = scoreOf(content, held);
    if (score > 0) found.push({ file, line: index + 1, content: shortened(content), score });
  }
  return top(found, most);
}

/** Two for each word that stands in the line by itself, one for each that is part of another word. */
function scoreOf(content: string, words: readonly string[]): number {
  const line = content.toLowerCase();
  let score = 0;
  for (const word of words) {
    const at = line.indexOf(word);
    if (at < 0) continue;
    const around = `${line[at - 1] ?? ' '}${line[at + word.length] ?? ' '}`;
    score += /[\p{L}\p{N}_]/u.test(around) ? 1 : 2;
  }
  return score;
}

const shortened = (content: string): string => {
  const line = content.trim();
  return line.length > longestLine ? `${line.slice(0, longestLine).toWellFormed()}…` : line;
};

function top(matches: Scored[], most: number): Scored[] {
  return matches
    .sort(
      (a, b) =>
        b.score - a.score || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line,
    )
    .slice(0, most);
}
