import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { operationsPage, withReference } from '../operations.ts';
import type { Verdict } from './verdict.ts';

/*
 * The pages that people read: what is generated is as it would be generated now, links within the repository lead
 * somewhere, and commands of npm that a page names are there.
 */

/** Folders beside the root whose pages are looked at, with all below them. */
const folders = ['docs', 'examples', 'media'];

/** The pages hold what they should. */
export function docsGate(root: string): Verdict {
  const files = pagesOf(root);
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
  const texts = new Map(files.map((file) => [file, read(file)]));
  const faults = generatedFaults(texts);
  let links = 0;
  let commands = 0;
  const scripts = scriptsOf(read('package.json'));
  for (const [file, text] of texts) {
    for (const target of linksOf(text)) {
      links += 1;
      const fault = linkFault(root, file, target, texts);
      if (fault !== null) faults.push(fault);
    }
    for (const [, name = ''] of text.matchAll(/npm run ([\w:.-]*\w)/g)) {
      commands += 1;
      if (!scripts.has(name)) faults.push(`${file} names \`npm run ${name}\`, which is not there.`);
    }
  }
  const what = `${Object.keys(generated).length} pages as they are generated now, ${links} links and ${commands} npm commands in ${files.length} pages`;
  return { faults, what };
}

function pagesOf(root: string): string[] {
  const below = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      path.posix.join(folder, file.replaceAll(path.sep, '/')),
    ),
  );
  return [...readdirSync(root), ...below].filter((file) => file.endsWith('.md')).sort();
}

/** The pages that `npm run operations` writes. */
const generated: Readonly<Record<string, (page: string) => string>> = {
  'docs/OPERATIONS.md': operationsPage,
  'docs/api.md': withReference,
};

function generatedFaults(texts: ReadonlyMap<string, string>): string[] {
  return Object.entries(generated).flatMap(([file, make]) => {
    const text = texts.get(file);
    if (text !== undefined && make(text) === text) return [];
    return [`${file} is not what \`npm run operations\` makes of it now.`];
  });
}

function scriptsOf(text: string): Set<string> {
  const { scripts } = Object(JSON.parse(text));
  return new Set(Object.keys(Object(scripts)));
}

/** Targets of links and pictures that lie in the repository, outside of code. */
function linksOf(text: string): string[] {
  const prose = text
    .replaceAll(/^(?:```|~~~)[\s\S]*?^(?:```|~~~)/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');
  const found = [...prose.matchAll(/\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"/g)];
  return found
    .map(([, one, other]) => one ?? other ?? '')
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

function linkFault(
  root: string,
  file: string,
  target: string,
  texts: ReadonlyMap<string, string>,
): string | null {
  const [to = '', anchor] = target.split('#');
  const at = to === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(to));
  if (!existsSync(path.join(root, at))) return `${file} links to ${target}, which is not there.`;
  const text = texts.get(at);
  if (anchor === undefined || text === undefined || anchorsOf(text).has(anchor)) return null;
  return `${file} links to ${target}, and ${at} has no such heading.`;
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
