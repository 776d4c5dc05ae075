/*
 * Addresses of drafts in editors. Those of `gimo:` name a revision, so that a tab shows this revision or says that it
 * is gone, but never a newer one; those of `gimo-draft:` name a file that can be edited, whatever its revision.
 */

export const schemes = { view: 'gimo', edit: 'gimo-draft' } as const;

/** What a draft consists of, as files. */
export const partNames = ['prompt', 'content', 'steps', 'context', 'provider'] as const;
export type PartName = (typeof partNames)[number];

export const editableParts = ['content', 'prompt'] as const satisfies readonly PartName[];
export type EditablePart = (typeof editableParts)[number];

export const fileNames = {
  prompt: 'prompt.md',
  content: 'content.md',
  steps: 'steps.txt',
  context: 'context.json',
  provider: 'provider.json',
} as const satisfies Record<PartName, string>;

export interface ViewAddress {
  id: string;
  /** The digest, in the words of the address; see `revisionOf`. */
  revision: string;
  part: PartName;
}

/** Where the text of one change of an edit step can be read. */
export interface WriteAddress {
  id: string;
  revision: string;
  /** Both count from 0. */
  step: number;
  change: number;
}

export interface EditAddress {
  id: string;
  part: EditablePart;
}

/** The path of a document with nothing in it: the left side of a diff that has none. */
export const emptyPath = '/empty';

/** The path of a `gimo:` address. */
export function viewPath({ id, revision, part }: ViewAddress): string {
  return `/drafts/${id}/${revision}/${fileNames[part]}`;
}

/**
 * The query of a `gimo:` address of what an edit step writes. Its path is that of the file: so the editor shows it as that
 * file, and knows its language.
 */
export function writeQuery({ id, revision, step, change }: WriteAddress): string {
  return `${id}/${revision}/${step}.${change}`;
}

/** The path of a `gimo-draft:` address. */
export function editPath({ id, part }: EditAddress): string {
  return `/${id}/${fileNames[part]}`;
}

/** Reads the path of a `gimo:` address; null if it is none. Whether there is such a draft, the server knows. */
export function parseViewPath(path: string): ViewAddress | null {
  const [, id, revision, file] = /^\/drafts\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const part = partNames.find((name) => fileNames[name] === file);
  if (id === undefined || revision === undefined || part === undefined) return null;
  return { id, revision, part };
}

/** Reads the query of a `gimo:` address of what an edit step writes; null if it is none. */
export function parseWriteQuery(query: string): WriteAddress | null {
  const [, id, revision, step, change] =
    /^([^/]+)\/([^/]+)\/(\d{1,3})\.(\d{1,3})$/.exec(query) ?? [];
  if (id === undefined || revision === undefined) return null;
  return { id, revision, step: Number(step), change: Number(change) };
}

/** Reads the path of a `gimo-draft:` address; null if it is none. */
export function parseEditPath(path: string): EditAddress | null {
  const [, id, file] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const part = editableParts.find((name) => fileNames[name] === file);
  if (id === undefined || part === undefined) return null;
  return { id, part };
}

/** Whether a path of `gimo-draft:` is a folder: the root, and what each draft has for its files. */
export function isFolder(path: string): boolean {
  return /^\/[^/]*$/.test(path);
}
