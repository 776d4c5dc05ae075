import { GimoError } from '../contract/errors.ts';
import { visibleLine } from '../contract/visible.ts';
import { firstOfGit, gitIn, parts } from './git.ts';

/** Paths that are handed to git at once; a command line has an end. */
const pathsAtOnce = 100;

/* What a configuration could change of a diff, or start with one, is said here. */
const plain = [
  ...['--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--relative'],
  ...['--ignore-submodules=all', '--submodule=short', '--src-prefix=a/', '--dst-prefix=b/'],
];

interface Changed {
  path: string;
  added: number;
  deleted: number;
}

/** Only shows paths for which this answers true. */
export type Visible = (paths: readonly string[]) => Promise<readonly string[]>;

/**
 * The changes between two commits of the repository in `root`. What is not text is left out.
 *
 * @returns the text before secrets are replaced, and whether it is all of it
 * @throws GimoError `validation_error` with the status 400 if a ref is none or there is no git;
 *   `payload_too_large` if it takes too long
 */
export async function diffOf(
  root: string,
  ask: { base: string; head: string; stat: boolean; most: number },
  visible: Visible,
): Promise<{ text: string; whole: boolean }> {
  const base = await commitOf(root, 'base', ask.base);
  const head = await commitOf(root, 'head', ask.head);
  const files = await changedFiles(root, base, head);
  const seen = new Set(await visible(files.map(({ path }) => path)));
  const shown = files.filter(({ path }) => seen.has(path));
  if (ask.stat) return { text: summary(shown), whole: true };
  return patches(root, [base, head], shown, ask.most);
}

/** A name of a commit, with nothing in it that would make it a search, a path or an option. */
const refName = /^[^-\s\p{Cc}:?*[\\{}^~][^\s\p{Cc}:?*[\\{}]{0,255}$/u;

async function commitOf(root: string, which: string, ref: string): Promise<string> {
  const asked = refName.test(ref) && !ref.includes('..');
  const name = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  const said = asked ? await gitIn(root)(name) : null;
  const found = /^([0-9a-f]{40,64})\n?$/.exec(said?.trim() ?? '')?.[1];
  if (found !== undefined) return found;
  throw new GimoError(
    'validation_error',
    `The ref given as ${which} names no commit of this repository. Use a branch, a tag or a commit id.`,
    { status: 400 },
  );
}

async function changedFiles(root: string, base: string, head: string): Promise<Changed[]> {
  const said = await gitIn(root)(['diff', '--numstat', '-z', ...plain, base, head, '--']);
  if (said === null) throw tooSlow();
  return parts(said).flatMap((entry) => {
    // Of what is no text there are no counts.
    const [, added, deleted, path] = /^(\d+)\t(\d+)\t([\s\S]+)$/.exec(entry) ?? [];
    return path === undefined ? [] : [{ path, added: Number(added), deleted: Number(deleted) }];
  });
}

const tooSlow = () =>
  new GimoError(
    'payload_too_large',
    'The diff is too large to be made in time. Ask for commits that are nearer to each other.',
  );

async function patches(
  root: string,
  commits: readonly string[],
  files: readonly Changed[],
  most: number,
): Promise<{ text: string; whole: boolean }> {
  const chunks: Buffer[] = [];
  let left = most;
  for (let at = 0; at < files.length; at += pathsAtOnce) {
    const paths = files.slice(at, at + pathsAtOnce).map(({ path }) => path);
    const args = ['diff', '-U3', '--inter-hunk-context=0', ...plain, ...commits, '--', ...paths];
    const found = await firstOfGit(root, args, left);
    if (found === null) throw tooSlow();
    chunks.push(found.bytes);
    left -= found.bytes.length;
    if (!found.whole || (left <= 0 && at + pathsAtOnce < files.length))
      return { text: withoutCutLine(textOf(chunks)), whole: false };
  }
  return { text: textOf(chunks), whole: true };
}

const textOf = (chunks: readonly Buffer[]) =>
  Buffer.concat(chunks).toString('utf8').replaceAll('\0', '\u{fffd}');

/** A line that was cut off could end in half a secret, which nothing would recognize. */
function withoutCutLine(text: string): string {
  const end = text.lastIndexOf('\n');
  return end > text.length - 16_384 ? text.slice(0, end + 1) : text.slice(0, -16_384);
}

function summary(files: readonly Changed[]): string {
  if (files.length === 0) return '';
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const added = files.reduce((sum, file) => sum + file.added, 0);
  const deleted = files.reduce((sum, file) => sum + file.deleted, 0);
  const lines = files.map((file) => ` ${visibleLine(file.path)} | +${file.added} -${file.deleted}`);
  const changed = `${count(files.length, 'file')} changed`;
  const sums = `${count(added, 'insertion')}(+), ${count(deleted, 'deletion')}(-)`;
  return [...lines, ` ${changed}, ${sums}`, ''].join('\n');
}
