import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Loss } from './aim.ts';
import type { Random } from './random.ts';

/*
 * A file system that forgets: everything is done at once and remembered, and at the crash what was not synced is taken
 * back. What POSIX promises, and no more: the contents of a file are durable once that file was synced, and the names
 * in a directory once the directory was. Names of one directory reach the disk in the order in which they were made;
 * between directories, and between names and contents, there is no order. What a process that was killed had not synced
 * is still there for the next one, and may still be lost: it can be handed over.
 */

/** As it was before anybody changed it. */
const fs = { ...nodeFs };

/** Bytes, in base64. */
const Bytes = z.codec(
  z.base64(),
  z.custom<Uint8Array>((one) => one instanceof Uint8Array),
  {
    decode: (text) => Buffer.from(text, 'base64'),
    encode: (bytes) => Buffer.from(bytes).toString('base64'),
  },
);

/** A change of a file's contents that has not been synced. */
const Written = z.union([
  z.object({ at: z.int(), bytes: Bytes, placed: z.boolean() }),
  z.object({ to: z.int() }),
]);
type Written = z.infer<typeof Written>;

/** The contents of a file, whatever its name. */
const Contents = z.object({ id: z.int(), durable: Bytes, pending: z.array(Written) });
export type Contents = z.infer<typeof Contents>;

/** A step back. */
const Undo = z.union([
  z.object({ remove: z.string() }),
  z.object({ write: z.string(), bytes: Bytes, mode: z.int() }),
  z.object({ mkdir: z.string(), mode: z.int() }),
  z.object({ rename: z.string(), to: z.string() }),
  /** From then on the file of this name has these contents again; null: nothing is known of it. */
  z.object({ name: z.string(), contents: z.int().nullable() }),
]);
type Undo = z.infer<typeof Undo>;

const NameChange = z.object({ dir: z.string(), order: z.int(), undo: z.array(Undo) });
type NameChange = z.infer<typeof NameChange>;

/** What one process leaves unsynced for the next. */
const Left = z.object({
  changes: z.array(NameChange),
  contents: z.array(Contents),
  files: z.array(z.tuple([z.string(), z.int()])),
});

/** Where it is written down, in the ground's directory. */
export const unsyncedFile = (base: string) => join(base, 'unsynced');

export interface Forgetful {
  /** A file that has just been made, or is about to be. */
  create(path: string): Contents;
  /** A file that was there, about to be changed in place. */
  known(path: string): Contents;
  write(contents: Contents, at: number, bytes: Uint8Array, placed: boolean): void;
  truncate(contents: Contents, to: number): void;
  sync(contents: Contents): void;
  syncDir(path: string): void;
  makeDir(path: string, mode: number | undefined): void;
  /** Each of these does it, too. */
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  /** A file, or a directory with all that is in it. */
  remove(path: string): void;
  /** Takes back what was not synced. */
  crash(loss: Loss, random: Random): void;
  /** Leaves what was not synced as it is, and tells the next process. */
  handOver(): void;
}

/** @param base the ground: what a process before left there unsynced, is taken up */
export function createForgetful(base: string): Forgetful {
  const contentsOf = new Map<number, Contents>();
  const files = new Map<string, Contents>();
  let changes: NameChange[] = [];
  let count = 0;
  takeUp();

  function takeUp(): void {
    if (!fs.existsSync(unsyncedFile(base))) return;
    const left = z.decode(Left, JSON.parse(fs.readFileSync(unsyncedFile(base), 'utf8')));
    fs.rmSync(unsyncedFile(base));
    changes = left.changes;
    for (const one of left.contents) contentsOf.set(one.id, one);
    for (const [path, id] of left.files) place(path, id);
    count = 1 + Math.max(0, ...left.changes.map(({ order }) => order), ...contentsOf.keys());
  }
  function place(path: string, id: number | null): void {
    const contents = id === null ? undefined : contentsOf.get(id);
    if (contents === undefined) files.delete(path);
    else files.set(path, contents);
  }
  const noted = (path: string, undo: Undo[]) => {
    changes.push({ dir: dirname(path), order: count++, undo });
  };
  const idAt = (path: string) => files.get(path)?.id ?? null;
  const isNamed = (path: string, contents = idAt(path)): Undo => ({ name: path, contents });
  /** What puts back what stands at a path now: bytes, modes, and what is known of its contents. */
  const keeper = (path: string): Undo[] => {
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [isNamed(path)];
    const mode = found.mode & 0o777;
    if (!found.isDirectory())
      return [{ write: path, bytes: fs.readFileSync(path), mode }, isNamed(path)];
    const inside = fs.readdirSync(path).flatMap((name) => keeper(join(path, name)));
    return [{ mkdir: path, mode }, ...inside];
  };
  const made = (path: string, durable: Uint8Array): Contents => {
    const contents: Contents = { id: count++, durable, pending: [] };
    contentsOf.set(contents.id, contents);
    files.set(path, contents);
    return contents;
  };
  /** Whether there is the directory in which a name would stand: it may be gone for good, and with it what was in it. */
  const hasPlace = (path: string) => fs.existsSync(dirname(path));
  const undoOne = (undo: Undo) => {
    if ('remove' in undo) fs.rmSync(undo.remove, { recursive: true, force: true });
    else if ('name' in undo) place(undo.name, undo.contents);
    else if ('write' in undo) {
      if (hasPlace(undo.write)) fs.writeFileSync(undo.write, undo.bytes, { mode: undo.mode });
    } else if ('mkdir' in undo) {
      if (hasPlace(undo.mkdir)) fs.mkdirSync(undo.mkdir, { mode: undo.mode });
    } else if (fs.existsSync(undo.rename) && hasPlace(undo.to)) fs.renameSync(undo.rename, undo.to);
  };
  /** Of each directory, its last changes, or all. */
  const lostOf = (loss: Loss, random: Random): NameChange[] => {
    const dirs = [...new Set(changes.map(({ dir }) => dir))];
    const lost = dirs.flatMap((dir) => {
      const all = changes.filter((one) => one.dir === dir);
      return all.slice(loss === 'all' ? 0 : random.below(all.length + 1));
    });
    return lost.sort((a, b) => b.order - a.order);
  };
  return {
    create(path) {
      noted(path, [{ remove: path }, isNamed(path)]);
      return made(path, Buffer.alloc(0));
    },
    known: (path) => files.get(path) ?? made(path, fs.readFileSync(path)),
    write: (contents, at, bytes, placed) =>
      void contents.pending.push({ at, bytes: Buffer.from(bytes), placed }),
    truncate: (contents, to) => void contents.pending.push({ to }),
    sync(contents) {
      contents.durable = contents.pending.reduce(applied, contents.durable);
      contents.pending = [];
    },
    syncDir(path) {
      changes = changes.filter(({ dir }) => dir !== path);
    },
    makeDir(path, mode) {
      fs.mkdirSync(path, mode === undefined ? {} : { mode });
      noted(path, [{ remove: path }]);
    },
    rename(from, to) {
      const [replaced, moved] = [keeper(to), idAt(from)];
      const named = [isNamed(from), isNamed(to)];
      fs.renameSync(from, to);
      place(to, moved);
      place(from, null);
      noted(to, [{ rename: to, to: from }, ...replaced, ...named]);
    },
    link(from, to) {
      fs.linkSync(from, to);
      place(to, idAt(from));
      noted(to, [{ remove: to }, isNamed(to, null)]);
    },
    remove(path) {
      const putBack = keeper(path);
      fs.rmSync(path, { recursive: true });
      for (const known of files.keys())
        if (known === path || known.startsWith(`${path}/`)) files.delete(known);
      noted(path, putBack);
    },
    crash(loss, random) {
      for (const { undo } of lostOf(loss, random)) for (const step of undo) undoOne(step);
      for (const [path, { durable, pending }] of files) {
        if (pending.length === 0 || !fs.existsSync(path)) continue;
        const kept = loss === 'all' ? [] : survivors(pending, random);
        fs.writeFileSync(path, kept.reduce(applied, durable));
      }
    },
    handOver() {
      const left = {
        changes,
        contents: [...contentsOf.values()],
        files: [...files].map(([path, { id }]): [string, number] => [path, id]),
      };
      fs.writeFileSync(unsyncedFile(base), JSON.stringify(z.encode(Left, left)));
    },
  };
}

function applied(before: Uint8Array, change: Written): Uint8Array {
  if ('to' in change) return before.subarray(0, change.to);
  const after = Buffer.alloc(Math.max(before.length, change.at + change.bytes.length));
  after.set(before);
  after.set(change.bytes, change.at);
  return after;
}

/** What is appended reaches the disk in order, the last of it perhaps in part; what has its place, each by itself. */
function survivors(pending: readonly Written[], random: Random): Written[] {
  const end = random.below(pending.length + 1);
  return pending.flatMap((change, n): Written[] => {
    if ('to' in change) return n < end ? [change] : [];
    if (change.placed) return random.below(2) === 0 ? [change] : [];
    if (n < end) return [change];
    if (n > end) return [];
    return [{ ...change, bytes: change.bytes.subarray(0, random.below(change.bytes.length + 1)) }];
  });
}
