import { realpathSync, statSync } from 'node:fs';
import { GimoError } from '../contract/errors.ts';
import { configHome, dataDirOf, ledgerDir } from '../store/paths.ts';
import type { HostOptions } from './options.ts';

/** Where a server's things lie; all absolute. */
export interface Places {
  /** The workspace, a real path. */
  root: string;
  dataDir: string;
  ledgerDir: string;
}

/** @throws GimoError `validation_error` if there is no such workspace folder */
export function placesOf(options: Pick<HostOptions, 'root' | 'dataDir' | 'env'>): Places {
  const root = realRoot(options.root);
  const dataDir = options.dataDir ?? dataDirOf(root);
  return { root, dataDir, ledgerDir: ledgerDir(configHome(options.env), dataDir) };
}

function realRoot(root: string): string {
  const real = realPath(root);
  if (statSync(real).isDirectory()) return real;
  throw new GimoError('validation_error', `"${root}" is a file. Name a folder.`);
}

function realPath(root: string): string {
  try {
    return realpathSync(root);
  } catch (cause) {
    throw new GimoError('validation_error', `There is no folder "${root}". Name one that exists.`, {
      cause,
    });
  }
}
