import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from './random.ts';

/*
 * A file system that forgets: everything is done at once and remembered, and at the crash what was not synced is taken
 * back. What POSIX promises, and no more: the contents of a file are durable once that file was synced, and the names
 * in a directory once the directory was. Names of one directory reach the disk in the order in which they were made;
 * between directories, and between names and contents, there is no order.
 */

/** As it was before anybody changed it. */
const fs = { ...nodeFs };

/** What is lost of that which was not synced. */
export type Loss = 'all' | 'some';

/** A change of a file's contents that has not been synced. */
type Written = { at: number; bytes: Buffer; placed: boolean } | { to: number };

/** The contents of a file. */
export interface Contents {
  durable: Buffer;
  pending: Written[];
}

interface NameChange {
  order: number;
  undo: () => void;
}

export interface Forgetful {
  /** A file that has just been made, or is about to be. */
  create(path: string): Contents;
  /** A file that was there, about to be changed in place. */
  known(path: string): Contents;
  write(contents: Contents, at: number, bytes: Buffer, placed: boolean): void;
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
}

export function createForgetful(): Forgetful {
  const files = new Map<string, Contents>();
  const names = new Map<string, NameChange[]>();
  let order = 0;

  const noted = (path: string, undo: () => void) => {
    const dir = dirname(path);
    const changes = names.get(dir) ?? [];
    names.set(dir, changes);
    changes.push({ order: order++, undo });
  };
  const place = (path: string, contents: Contents | undefined) => {
    if (contents === undefined) files.delete(path);
    else files.set(path, contents);
  };
  /** What puts back what stands at a path now: bytes, modes, and what is known of its contents. */
  const keeper = (path: string): (() => void) => {
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    const contents = files.get(path);
    if (found === undefined) return () => place(path, undefined);
    if (!found.isDirectory()) {
      const bytes = fs.readFileSync(path);
      return () => {
        fs.writeFileSync(path, bytes, { mode: found.mode & 0o777 });
        place(path, contents);
      };
    }
    const inside = fs.readdirSync(path).map((name) => keeper(join(path, name)));
    return () => {
      fs.mkdirSync(path, { mode: found.mode & 0o777 });
      for (const putBack of inside) putBack();
    };
  };
  const create = (path: string): Contents => {
    const made = { durable: Buffer.alloc(0), pending: [] };
    const before = files.get(path);
    files.set(path, made);
    noted(path, () => {
      fs.rmSync(path, { force: true });
      place(path, before);
    });
    return made;
  };
  return {
    create,
    known(path) {
      const found = files.get(path);
      if (found !== undefined) return found;
      const contents = { durable: fs.readFileSync(path), pending: [] };
      files.set(path, contents);
      return contents;
    },
    write: (contents, at, bytes, placed) =>
      void contents.pending.push({ at, bytes: Buffer.from(bytes), placed }),
    truncate: (contents, to) => void contents.pending.push({ to }),
    sync(contents) {
      contents.durable = contents.pending.reduce(applied, contents.durable);
      contents.pending = [];
    },
    syncDir: (path) => void names.delete(path),
    makeDir(path, mode) {
      fs.mkdirSync(path, mode === undefined ? {} : { mode });
      noted(path, () => fs.rmSync(path, { recursive: true, force: true }));
    },
    rename(from, to) {
      const putBack = keeper(to);
      const [moved, replaced] = [files.get(from), files.get(to)];
      fs.renameSync(from, to);
      place(to, moved);
      place(from, undefined);
      noted(to, () => {
        fs.renameSync(to, from);
        place(from, moved);
        putBack();
        place(to, replaced);
      });
    },
    link(from, to) {
      fs.linkSync(from, to);
      place(to, files.get(from));
      noted(to, () => {
        fs.rmSync(to, { force: true });
        place(to, undefined);
      });
    },
    remove(path) {
      const putBack = keeper(path);
      fs.rmSync(path, { recursive: true });
      for (const known of files.keys())
        if (known === path || known.startsWith(`${path}/`)) files.delete(known);
      noted(path, putBack);
    },
    crash(loss, random) {
      const lost = [...names.values()].flatMap((changes) =>
        changes.slice(loss === 'all' ? 0 : random.below(changes.length + 1)),
      );
      for (const { undo } of lost.sort((a, b) => b.order - a.order)) undo();
      for (const [path, { durable, pending }] of files) {
        if (pending.length === 0 || !fs.existsSync(path)) continue;
        const kept = loss === 'all' ? [] : survivors(pending, random);
        fs.writeFileSync(path, kept.reduce(applied, durable));
      }
    },
  };
}

function applied(before: Buffer, change: Written): Buffer {
  if ('to' in change) return before.subarray(0, change.to);
  const after = Buffer.alloc(Math.max(before.length, change.at + change.bytes.length));
  before.copy(after);
  change.bytes.copy(after, change.at);
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
