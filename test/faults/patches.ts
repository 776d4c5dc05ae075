import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pointOf } from './aim.ts';
import type { Contents, Forgetful } from './forgetful.ts';
import type { Ground } from './ground.ts';

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

interface Opened {
  ground: Ground;
  path: string;
  contents: Contents | null;
  isDir: boolean;
}
type AllOpened = WeakMap<FileHandle, Opened>;

/** Puts the functions of `node:fs` that change something below one of these grounds, which may grow, in their hands. */
export const patchFiles = (grounds: readonly Ground[]): Promise<void> =>
  patchHandles(patchPaths(grounds));

const name = ({ base }: Ground, call: string, path: string) => pointOf(call, relative(base, path));

/** Patches what is done by path. */
function patchPaths(grounds: readonly Ground[]): AllOpened {
  const opened: AllOpened = new WeakMap();
  /** The real path and the ground that it is on, or null. */
  const below = (path: unknown): { place: string; ground: Ground } | null => {
    const place = placeOf(String(path));
    const ground = grounds.find(({ base }) => place === base || place.startsWith(`${base}/`));
    return ground === undefined ? null : { place, ground };
  };

  const open = async (path: string, flags: string | number = 'r', mode?: number) => {
    const found = below(path);
    if (found === null) return real.open(path, flags, mode);
    const { place, ground } = found;
    const { forgetful } = ground;
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
      opened.set(handle, { ground, path: place, contents, isDir });
      return handle;
    };
    return makes
      ? ground.change({ point: name(ground, 'create', place), run: go })
      : ground.look(go);
  };

  const mkdir = async (path: string, options?: { recursive?: boolean; mode?: number } | number) => {
    const found = below(path);
    const { recursive = false, mode } = typeof options === 'object' ? options : { mode: options };
    if (found === null || there(found.place)) return real.mkdir(path, options);
    const { place, ground } = found;
    const missing = recursive ? missingOf(place) : [place];
    for (const dir of missing)
      await ground.change({
        point: name(ground, 'mkdir', dir),
        run: () => real.mkdir(dir, mode === undefined ? {} : { mode }),
        atOnce: (forgetful) => forgetful.makeDir(dir, mode),
      });
    return recursive ? missing[0] : undefined;
  };

  /** A call about one thing that has to be there; of another path, or of nothing, it is left as it is. */
  const about =
    (call: 'unlink' | 'rmdir' | 'rm') =>
    async (path: string, options?: { recursive?: boolean; force?: boolean }) => {
      const found = below(path);
      // At once, since it would call its own parts through here.
      const run = async () => (call === 'rm' ? sync.rmSync(path, options) : real[call](path));
      if (found === null || !there(found.place)) return run();
      const { place, ground } = found;
      return ground.change({
        point: name(ground, call, place),
        run,
        atOnce: (forgetful) => {
          if (call === 'rmdir') checkEmpty(place);
          forgetful.remove(place);
        },
        ...(call === 'rm'
          ? {
              half: () =>
                halveDir(place, (part) =>
                  ground.forgetful === null
                    ? sync.rmSync(part, { recursive: true })
                    : ground.forgetful.remove(part),
                ),
            }
          : {}),
      });
    };

  const toward = (call: 'rename' | 'link') => async (from: string, to: string) => {
    const [source, target] = [below(from), below(to)];
    if (source === null || target === null) return real[call](from, to);
    return target.ground.change({
      point: name(target.ground, call, target.place),
      run: () => real[call](from, to),
      atOnce: (forgetful) => forgetful[call](source.place, target.place),
    });
  };

  const utimes = async (path: string, atime: number | Date, mtime: number | Date) => {
    const found = below(path);
    const run = () => real.utimes(path, atime, mtime);
    if (found === null) return run();
    return found.ground.change({
      point: name(found.ground, 'utimes', found.place),
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
  for (const call of ['lstat', 'readdir', 'readFile', 'stat'] as const) {
    const looked = (path: unknown, ...rest: unknown[]) => {
      const run = (): Promise<unknown> => Reflect.apply(real[call], undefined, [path, ...rest]);
      const ground = typeof path === 'string' ? below(path)?.ground : undefined;
      return ground === undefined ? run() : ground.look(run);
    };
    Object.assign(fs.promises, { [call]: looked });
  }
  return opened;
}

/** Patches what is done by an open file. */
async function patchHandles(opened: AllOpened): Promise<void> {
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
        if (file.contents !== null) file.ground.forgetful?.write(file.contents, at, some, false);
      };
      return file.ground.change({
        point: name(file.ground, 'write', file.path),
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
      if (file.contents !== null) file.ground.forgetful?.write(file.contents, at, written, true);
      return { bytesWritten, buffer: bytes };
    };
    return file.ground.change({
      point: name(file.ground, 'write', file.path),
      run: () => Reflect.apply(own.write, this, [bytes, offset, length, at]),
      atOnce: () => put(length),
      half: () => void put(length >> 1),
    });
  };
  const synced = (call: 'sync' | 'datasync') =>
    async function (this: FileHandle) {
      const file = opened.get(this);
      if (file === undefined) return own[call].call(this);
      return file.ground.change({
        point: name(file.ground, 'sync', file.path),
        run: () => own[call].call(this),
        atOnce: (forgetful) => {
          if (file.isDir) forgetful.syncDir(file.path);
          else forgetful.sync(file.contents ?? forgetful.known(file.path));
        },
      });
    };
  const truncate = async function (this: FileHandle, to = 0) {
    const file = opened.get(this);
    if (file === undefined) return own.truncate.call(this, to);
    return file.ground.change({
      point: name(file.ground, 'truncate', file.path),
      run: () => own.truncate.call(this, to),
      atOnce: (forgetful) => {
        sync.ftruncateSync(this.fd, to);
        if (file.contents !== null) forgetful.truncate(file.contents, to);
      },
    });
  };
  for (const call of ['read', 'readFile', 'stat', 'close'] as const) {
    const look = handles[call];
    const looked = function (this: FileHandle, ...args: unknown[]) {
      const run = (): Promise<unknown> => Reflect.apply(look, this, args);
      return opened.get(this)?.ground.look(run) ?? run();
    };
    Object.assign(handles, { [call]: looked });
  }
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
