import type { Draft } from '../../contract/operations.ts';
import { Refusal } from '../messages.ts';
import { type EditAddress, type EditablePart, editableParts, editPath } from './addresses.ts';

/*
 * Which version of a draft the text of an editor was made from. A save names the entity tag of exactly that version, so
 * it is refused if the draft has changed since. The editor reads a file for other reasons than to show it (to compare,
 * for another extension), and does not tell why: so a version becomes the base of an editor only once the editor, with
 * nothing unsaved in it, shows the version's text. Else a read by somebody else would let a save overwrite what the
 * person never saw.
 */

/** A draft as it was read. */
export interface Version {
  draft: Draft;
  etag: string;
  /** Milliseconds; grows with every change of the draft. */
  mtime: number;
}

/** What a save asks the server to change. */
export type DraftChange = { prompt: string } | { content: string | null };

/** The state of an editor's document. */
export interface OpenText {
  text: string;
  dirty: boolean;
}

interface Base {
  version: Version;
  /** The time that the editor knows; it takes a later one for a conflict, and would offer to overwrite. */
  mtime: number;
}

export interface Bases {
  /** A version was read. @param open the document of the file, null if there is none */
  read(address: EditAddress, version: Version, open: OpenText | null): void;
  /** A document of the file was opened with this text. */
  opened(address: EditAddress, text: string): void;
  /** The document of the file has changed. An editor tells of a new text first, and that it is unsaved after that. */
  changed(address: EditAddress, open: OpenText): void;
  /** The person has seen this version beside their own text: what they save next is made from it. */
  compared(address: EditAddress, version: Version): void;
  /** A save has made `to` of `from`. */
  saved(address: EditAddress, from: Version, to: Version): void;
  of(address: EditAddress): Readonly<Base> | undefined;
  /**
   * Makes the version that is there now the base of a document that has none, if that is what it was opened with: an
   * editor that opens again may take the text of a tab from what it kept itself, and not ask for it.
   * @returns whether it is the base now
   */
  recognize(address: EditAddress, now: Version): boolean;
}

/** More files than anybody edits at once; each is kept with a whole draft. */
const most = 100;

export function createBases(): Bases {
  const bases = new Map<string, Base>();
  const pending = new Map<string, Version>();
  /** What documents without a base were opened with. */
  const unknown = new Map<string, string>();
  const become = (path: string, version: Version, mtime = version.mtime) => {
    pending.delete(path);
    unknown.delete(path);
    bases.delete(path);
    bases.set(path, { version, mtime });
    dropOldest(bases);
  };
  const holds = (text: string, { draft }: Version, part: EditablePart) =>
    sameText(text, textOf(draft, part));

  return {
    read(address, version, open) {
      const path = editPath(address);
      const shown = open === null || (!open.dirty && holds(open.text, version, address.part));
      if (shown) return become(path, version);
      pending.set(path, version);
      dropOldest(pending);
    },
    opened(address, text) {
      const path = editPath(address);
      const base = bases.get(path)?.version;
      // Something else was read between, or the text is an unsaved one of an earlier session.
      if (base !== undefined && holds(text, base, address.part)) return;
      bases.delete(path);
      unknown.set(path, text);
      dropOldest(unknown);
    },
    changed(address, { text, dirty }) {
      const path = editPath(address);
      const next = pending.get(path);
      if (next !== undefined && !dirty && holds(text, next, address.part)) become(path, next);
    },
    compared(address, version) {
      const path = editPath(address);
      become(path, version, bases.get(path)?.mtime ?? 0);
    },
    saved({ id, part }, from, to) {
      become(editPath({ id, part }), to);
      // The other file of the draft was made from the same version, and this save did not touch its text.
      for (const other of editableParts.filter((name) => name !== part)) {
        const base = bases.get(editPath({ id, part: other }));
        if (base?.version.etag === from.etag) base.version = to;
      }
    },
    of: (address) => bases.get(editPath(address)),
    recognize(address, now) {
      const text = unknown.get(editPath(address));
      if (text === undefined || !holds(text, now, address.part)) return false;
      become(editPath(address), now);
      return true;
    },
  };
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** The text of a file. */
export function textOf(draft: Draft, part: EditablePart): string {
  return part === 'prompt' ? draft.prompt : (draft.content ?? '');
}

/** Whether an editor shows both in the same way: it knows one kind of line end, and keeps a byte order mark apart. */
export function sameText(one: string, other: string): boolean {
  const plain = (text: string) => text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  return plain(one) === plain(other);
}

/**
 * What a save asks the server to change. No content stays no content as long as nothing is written into it.
 *
 * @throws Refusal if the draft could not be with this text
 */
export function changeOf(part: EditablePart, text: string, { draft }: Version): DraftChange {
  if (part === 'content') return { content: text === '' && draft.content === null ? null : text };
  if (text.trim() === '')
    throw new Refusal(
      'A prompt cannot be empty, because it says what should be done. Nothing was saved.',
    );
  return { prompt: text };
}

/**
 * Whether two versions say the same, so that a save made from one loses nothing of the other. They may differ in what
 * no person wrote: the provider that would be asked, and with it the digest.
 */
export function sameWork(one: Version, other: Version): boolean {
  const workOf = ({ draft: { status, prompt, content, context, steps } }: Version) =>
    JSON.stringify([status, prompt, content, context, steps]);
  return workOf(one) === workOf(other);
}
