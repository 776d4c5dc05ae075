import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join, sep } from 'node:path';

/*
 * Disks that fail, for a server that runs in this process. A full disk is a real one (a small tmpfs) where the system
 * lets us mount it. What no disk does at will (a sync that fails, a record that cannot be read, a write that does not
 * come back) is put between the process and its file system: whoever calls `node:fs` gets what a bad disk would answer.
 */

export type DiskOp =
  | 'create'
  | 'openToWrite'
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'mkdir'
  | 'look';

export interface DiskCall {
  op: DiskOp;
  /** Of a rename, where it leads. */
  path: string;
  /** Of `sync`: whether it is a folder that is synced. */
  folder: boolean;
}

/** Whether a call would change something. */
export const changes = ({ op }: DiskCall): boolean =>
  !['open', 'read', 'look', 'sync'].includes(op);

/** Whether a call is about something in this directory. */
export const under = (dir: string, { path }: Pick<DiskCall, 'path'>): boolean =>
  path === dir || path.startsWith(dir + sep);

type Verdict = { code: string } | { until: Promise<unknown> };
type Rule = (call: DiskCall) => Verdict | null;
const rules = new Set<Rule>();

/** From now on these calls fail like this. @returns what makes the disk well again */
export function failing(code: string, which: (call: DiskCall) => boolean): () => void {
  const rule: Rule = (call) => (which(call) ? { code } : null);
  rules.add(rule);
  return () => void rules.delete(rule);
}

/**
 * From now on these calls do not come back.
 * @returns `reached` resolves when the first is held; `letGo` lets all of them go on, and the disk is well again
 */
export function hanging(which: (call: DiskCall) => boolean) {
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const rule: Rule = (call) => {
    if (!which(call)) return null;
    reached.resolve();
    return { until: go.promise };
  };
  rules.add(rule);
  return {
    reached: reached.promise,
    letGo() {
      rules.delete(rule);
      go.resolve();
    },
  };
}

function verdictOf(call: DiskCall): Verdict | null {
  for (const rule of rules) {
    const verdict = rule(call);
    if (verdict !== null) return verdict;
  }
  return null;
}

const errnos: Readonly<Record<string, number>> = { EIO: -5, EACCES: -13, EROFS: -30, ENOSPC: -28 };

function systemError(code: string, { op, path }: DiskCall): Error {
  const error = new Error(`${code}: made by a test, ${op} '${path}'`);
  return Object.assign(error, { code, errno: errnos[code] ?? -1, syscall: op, path });
}

/** @param half what a disk that is nearly full does before it refuses the rest */
async function pass(call: DiskCall, half?: () => unknown): Promise<void> {
  const verdict = verdictOf(call);
  if (verdict === null) return;
  if ('until' in verdict) {
    await verdict.until;
    return;
  }
  if (verdict.code === 'ENOSPC') await half?.();
  throw systemError(verdict.code, call);
}

function passNow(call: DiskCall): void {
  const verdict = verdictOf(call);
  if (verdict !== null && 'code' in verdict) throw systemError(verdict.code, call);
}

// ---- between the process and its file system

type Given = readonly unknown[];
/** Replaces a function; `go` is the original with its `this`. */
function patch(
  target: object,
  name: string,
  by: (self: object, args: Given, go: (args: Given) => unknown) => unknown,
) {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== 'function') throw new Error(`there is no ${name} to patch`);
  Reflect.set(target, name, function patched(this: object, ...args: unknown[]): unknown {
    return by(this, args, (given) => Reflect.apply(original, this, given));
  });
}

const opOfOpen = (flags: unknown): DiskOp => {
  const { O_CREAT, O_RDWR, O_WRONLY } = fs.constants;
  if (typeof flags === 'number')
    return flags & O_CREAT ? 'create' : flags & (O_WRONLY | O_RDWR) ? 'openToWrite' : 'open';
  const text = typeof flags === 'string' ? flags : 'r';
  return /[wa]/.test(text) ? 'create' : text.includes('+') ? 'openToWrite' : 'open';
};

/** Paths of open files, by handle and by descriptor. */
const pathOf = { handle: new WeakMap<object, string>(), fd: new Map<unknown, string>() };
let installing: Promise<void> | undefined;

/** Stands between this process and its file system from now on. Call it before the first rule. */
export function prepareDisks(): Promise<void> {
  installing ??= install();
  return installing;
}

async function install(): Promise<void> {
  const folder = false;
  patch(fsp, 'open', async (_self, args, go) => {
    const [path, flags] = args;
    await pass({ op: opOfOpen(flags), path: String(path), folder });
    const handle = await go(args);
    if (typeof handle === 'object' && handle !== null) pathOf.handle.set(handle, String(path));
    return handle;
  });
  const byPath: Record<string, DiskOp> = {
    ...({ unlink: 'unlink', rm: 'unlink', rmdir: 'unlink', mkdir: 'mkdir' } as const),
    ...({
      readdir: 'read',
      lstat: 'look',
      stat: 'look',
      link: 'create',
      rename: 'rename',
    } as const),
  };
  for (const [name, op] of Object.entries(byPath))
    patch(fsp, name, async (_self, args, go) => {
      const at = op === 'rename' || name === 'link' ? args[1] : args[0];
      await pass({ op, path: String(at), folder });
      return go(args);
    });
  patchSync();
  const handle = await fsp.open(import.meta.filename, 'r');
  patchHandles(Object.getPrototypeOf(handle));
  await handle.close();
  syncBuiltinESMExports();
}

function patchSync(): void {
  const folder = false;
  patch(fs, 'openSync', (_self, args, go) => {
    passNow({ op: opOfOpen(args[1]), path: String(args[0]), folder });
    const fd = go(args);
    pathOf.fd.set(fd, String(args[0]));
    return fd;
  });
  patch(fs, 'readFileSync', (_self, args, go) => {
    passNow({ op: 'read', path: pathOf.fd.get(args[0]) ?? String(args[0]), folder });
    return go(args);
  });
  for (const name of ['lstatSync', 'statSync'])
    patch(fs, name, (_self, args, go) => {
      passNow({ op: 'look', path: String(args[0]), folder });
      return go(args);
    });
}

function patchHandles(prototype: object): void {
  const ops: Record<string, DiskOp> = {
    ...({ appendFile: 'write', writeFile: 'write', write: 'write', truncate: 'truncate' } as const),
    ...({ sync: 'sync', datasync: 'sync', readFile: 'read', read: 'read' } as const),
  };
  for (const [name, op] of Object.entries(ops))
    patch(prototype, name, async (self, args, go) => {
      const path = pathOf.handle.get(self) ?? '';
      const [data, ...more] = args;
      const half = () =>
        name !== 'write' &&
        op === 'write' &&
        (typeof data === 'string' || data instanceof Uint8Array)
          ? go([data.slice(0, data.length >> 1), ...more])
          : undefined;
      await pass({ op, path, folder: op === 'sync' && isFolder(path) }, half);
      return go(args);
    });
}

const isFolder = (path: string) => {
  try {
    return fs.lstatSync(path).isDirectory();
  } catch {
    return false; // gone, or made to fail: then it was no folder of interest
  }
};

// ---- a disk that is really small

export interface SmallDisk {
  /** Whether it is a file system of its own; otherwise a full one is only played. */
  readonly real: boolean;
  /** Fills it to the last byte. */
  fill(): void;
  /** Makes room again. */
  free(): void;
  unmount(): void;
}

/** Mounts a tmpfs of so many MiB at a directory; without the right to, plays one that refuses what needs room. */
export function smallDisk(dir: string, megabytes: number): SmallDisk {
  fs.mkdirSync(dir, { recursive: true });
  const ballast = join(dir, 'ballast');
  if (!mounted(dir, megabytes)) {
    let heal: () => void = () => undefined;
    return {
      real: false,
      fill() {
        heal = failing('ENOSPC', (call) => call.op === 'write' && under(dir, call));
      },
      free: () => heal(),
      unmount: () => heal(),
    };
  }
  return {
    real: true,
    fill() {
      const fd = fs.openSync(ballast, 'a');
      try {
        for (let piece = 2 ** 16; piece >= 1; ) if (!fits(fd, piece)) piece >>= 1;
      } finally {
        fs.closeSync(fd);
      }
    },
    free: () => fs.rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['-l', dir]),
  };
}

function fits(fd: number, bytes: number): boolean {
  try {
    return fs.writeSync(fd, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

function mounted(dir: string, megabytes: number): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
  try {
    const options = `size=${megabytes}m,mode=700`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir], { stdio: 'pipe' });
    return true;
  } catch (error) {
    // A container may be root and still not mount.
    console.info(`no small disk can be mounted here, so one is played: ${String(error)}`);
    return false;
  }
}
