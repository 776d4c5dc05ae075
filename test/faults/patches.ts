import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pointOf } from './aim.ts';
import type { Contents, Forgetful } from './forgetful.ts';

/* What stands in the place of the functions of `node:fs` that change something. */

/** As they were before anything was changed. */
const sync = { ...fs };
const real = { ...fs.promises };

/** A call that changes something on the disk. */
export interface Change<T> {
  point: string;
  run: () => Promise<T>;
  /** The same at once, for a file system that forgets; left out where nothing comes of doing it later. */
  atOnce?: (forgetful: Forgetful) => T;
  /** The half of it. */
  half?: () => void;
}

interface Ground {
  /** Calls below this directory count. */
  base: string;
  /** Null: nothing is forgotten. */
  forgetful: Forgetful | null;
  change<T>(what: Change<T>): Promise<T>;
}

interface Opened {
  path: string;
  contents: Contents | null;
  isDir: boolean;
}

/** The files that are open below the base. */
interface OpenGround extends Ground {
  name(call: string, path: string): string;
  opened: WeakMap<FileHandle, Opened>;
}

/** Patches what is done by path. */
export function patchPaths(ground: Ground): OpenGround {
  const { base, forgetful, change } = ground;
  const opened = new WeakMap<FileHandle, Opened>();
  /** The real path if it is below the base, else null. */
  const below = (path: unknown): string | null => {
    const place = placeOf(String(path));
    return place === base || place.startsWith(`${base}/`) ? place : null;
  };
  const name = (call: string, path: string) => pointOf(call, relative(base, path));

  const open = async (path: string, flags: string | number = 'r', mode?: number) => {
    const place = below(path);
    if (place === null) return real.open(path, flags, mode);
    const bits = typeof flags === 'number' ? flags : bitsOf(flags);
    const writes = (bits & (sync.constants.O_WRONLY | sync.constants.O_RDWR)) !== 0;
    const makes = (bits & sync.constants.O_CREAT) !== 0 && !there(place);
    const empties = (bits & sync.constants.O_TRUNC) !== 0 && !makes;
    if (empties) throw new Error(`The fault layer does not know how to empty ${path}.`);
    const go = async (): Promise<FileHandle> => {
      const known = forgetful !== null && writes && (makes || there(place));
      const contents = known ? forgetful[makes ? 'create' : 'known'](place) : null;
      const handle = await real.open(path, flags, mode);
      const isDir = sync.fstatSync(handle.fd).isDirectory();
      opened.set(handle, { path: place, contents, isDir });
      return handle;
    };
    return makes ? change({ point: name('create', place), run: go }) : go();
  };

  const mkdir = async (path: string, options?: { recursive?: boolean; mode?: number } | number) => {
    const place = below(path);
    const { recursive = false, mode } = typeof options === 'object' ? options : { mode: options };
    if (place === null || there(place)) return real.mkdir(path, options);
    const missing = recursive ? missingOf(place) : [place];
    for (const dir of missing)
      await change({
        point: name('mkdir', dir),
        run: () => real.mkdir(dir, mode === undefined ? {} : { mode }),
        atOnce: () => void forgetful?.makeDir(dir, mode),
      });
    return recursive ? missing[0] : undefined;
  };

  /** A call about one thing that has to be there; of another path, or of nothing, it is left as it is. */
  const about =
    (call: 'unlink' | 'rmdir' | 'rm') =>
    async (path: string, options?: { recursive?: boolean; force?: boolean }) => {
      const place = below(path);
      // At once, since it would call its own parts through here.
      const run = async () => (call === 'rm' ? sync.rmSync(path, options) : real[call](path));
      if (place === null || !there(place)) return run();
      return change({
        point: name(call, place),
        run,
        atOnce: () => {
          if (call === 'rmdir') checkEmpty(place);
          forgetful?.remove(place);
        },
        ...(call === 'rm'
          ? {
              half: () =>
                halveDir(place, (part) =>
                  forgetful === null
                    ? sync.rmSync(part, { recursive: true })
                    : forgetful.remove(part),
                ),
            }
          : {}),
      });
    };

  const toward = (call: 'rename' | 'link') => async (from: string, to: string) => {
    const [source, target] = [below(from), below(to)];
    if (source === null || target === null) return real[call](from, to);
    return change({
      point: name(call, target),
      run: () => real[call](from, to),
      atOnce: () => forgetful?.[call](source, target),
    });
  };

  const utimes = async (path: string, atime: number | Date, mtime: number | Date) => {
    const place = below(path);
    const run = () => real.utimes(path, atime, mtime);
    if (place === null) return run();
    return change({
      point: name('utimes', place),
      run,
      atOnce: () => sync.utimesSync(path, atime, mtime),
    });
  };

  const promised = {
    ...{ open, mkdir, utimes },
    ...{ unlink: about('unlink'), rmdir: about('rmdir'), rm: about('rm') },
    ...{ rename: toward('rename'), link: toward('link') },
  };
  Object.assign(fs.promises, promised);
  // proper-lockfile calls these with a callback.
  Object.assign(fs, {
    ...{
      mkdir: calledBack(mkdir),
      utimes: calledBack(utimes),
      rename: calledBack(promised.rename),
    },
    ...{ rmdir: calledBack(promised.rmdir), unlink: calledBack(promised.unlink) },
    rm: calledBack(promised.rm),
  });
  for (const call of ['writeFile', 'appendFile', 'truncate', 'copyFile', 'cp', 'symlink'] as const)
    Object.assign(fs.promises, { [call]: unknownTo(call) });
  return { ...ground, name, opened };
}

/** Patches what is done by an open file. */
export async function patchHandles({ forgetful, change, name, opened }: OpenGround): Promise<void> {
  const probe = await real.open(process.execPath, 'r');
  const handles: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  const own = {
    ...{ write: handles.write, writeFile: handles.writeFile, appendFile: handles.appendFile },
    ...{ sync: handles.sync, datasync: handles.datasync, truncate: handles.truncate },
  };

  const append = (call: 'writeFile' | 'appendFile') =>
    async function (this: FileHandle, data: string | Uint8Array) {
      const file = opened.get(this);
      if (file === undefined) return own[call].call(this, data);
      const bytes = Buffer.from(data);
      const put = (some: Buffer) => {
        const at = sync.fstatSync(this.fd).size;
        for (let done = 0; done < some.length; )
          done += sync.writeSync(this.fd, some, done, some.length - done, null);
        if (file.contents !== null) forgetful?.write(file.contents, at, some, false);
      };
      return change({
        point: name('write', file.path),
        run: () => own[call].call(this, bytes),
        atOnce: () => put(bytes),
        half: () => put(bytes.subarray(0, bytes.length >> 1)),
      });
    };
  const write = async function (
    this: FileHandle,
    bytes: Uint8Array,
    offset: number,
    length: number,
    at: number,
  ) {
    const file = opened.get(this);
    if (file === undefined) return Reflect.apply(own.write, this, [bytes, offset, length, at]);
    const put = (some: number) => {
      const bytesWritten = sync.writeSync(this.fd, bytes, offset, some, at);
      const written = Buffer.from(bytes.subarray(offset, offset + some));
      if (file.contents !== null) forgetful?.write(file.contents, at, written, true);
      return { bytesWritten, buffer: bytes };
    };
    return change({
      point: name('write', file.path),
      run: () => Reflect.apply(own.write, this, [bytes, offset, length, at]),
      atOnce: () => put(length),
      half: () => void put(length >> 1),
    });
  };
  const synced = (call: 'sync' | 'datasync') =>
    async function (this: FileHandle) {
      const file = opened.get(this);
      if (file === undefined) return own[call].call(this);
      return change({
        point: name('sync', file.path),
        run: () => own[call].call(this),
        atOnce: () => {
          if (file.isDir) forgetful?.syncDir(file.path);
          else if (file.contents !== null) forgetful?.sync(file.contents);
        },
      });
    };
  const truncate = async function (this: FileHandle, to = 0) {
    const file = opened.get(this);
    if (file === undefined) return own.truncate.call(this, to);
    return change({
      point: name('truncate', file.path),
      run: () => own.truncate.call(this, to),
      atOnce: () => {
        sync.ftruncateSync(this.fd, to);
        if (file.contents !== null) forgetful?.truncate(file.contents, to);
      },
    });
  };
  Object.assign(handles, {
    ...{ write, truncate, writeFile: append('writeFile'), appendFile: append('appendFile') },
    ...{ sync: synced('sync'), datasync: synced('datasync') },
    ...{ writev: unknownTo('writev'), createWriteStream: unknownTo('createWriteStream') },
  });
}

const there = (path: string) => sync.lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The real path of what stands, or would stand, at a path: links on the way are followed, one at its end is not. */
function placeOf(path: string): string {
  const above = dirname(path);
  if (above === path) return path;
  const real = there(above) ? sync.realpathSync(above) : placeOf(above);
  return join(real, basename(path));
}

/** The folders that are missing on the way to a path, the topmost first, the path's own last. */
function missingOf(path: string): string[] {
  return there(path) ? [] : [...missingOf(dirname(path)), path];
}

function bitsOf(flags: string): number {
  const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL } = sync.constants;
  if (flags === 'r') return O_RDONLY;
  if (flags === 'r+') return O_RDWR;
  if (flags === 'wx') return O_WRONLY | O_CREAT | O_EXCL;
  throw new Error(`The fault layer does not know the flags ${flags}.`);
}

function checkEmpty(dir: string): void {
  if (sync.readdirSync(dir).length > 0)
    throw Object.assign(new Error('not empty'), { code: 'ENOTEMPTY' });
}

/** Removes the half of what is in a folder. */
function halveDir(dir: string, remove: (path: string) => void): void {
  if (!sync.lstatSync(dir).isDirectory()) return;
  const names = sync.readdirSync(dir);
  for (const name of names.slice(0, Math.ceil(names.length / 2))) remove(join(dir, name));
}

/** What nothing calls today would not be counted: whoever calls it has to teach it to this layer. */
const unknownTo = (call: string) => () => {
  throw new Error(`The fault layer does not know ${call}.`);
};

/** The form of a call that takes a callback at the end. */
function calledBack<A extends unknown[]>(call: (...args: A) => Promise<unknown>) {
  return (...args: [...A, (error: unknown, value?: unknown) => void]) => {
    const done = args.pop();
    if (typeof done !== 'function') throw new TypeError('A callback has to be the last argument.');
    const tell = (error: unknown, value?: unknown) => process.nextTick(done, error, value);
    Reflect.apply(call, undefined, args).then((value: unknown) => tell(null, value), tell);
  };
}
