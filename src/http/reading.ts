import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { RepositoryPorts } from '../core/repository.ts';
import { createRepoReader } from '../repo/reader.ts';
import { createRepos } from '../repo/repos.ts';
import { allowlistElsewhere } from '../store/elsewhere.ts';
import { configHome } from '../store/paths.ts';
import { createSnapshots, type SnapshotFiles } from '../store/snapshots.ts';
import type { Reading } from './environment.ts';

/** What core needs to let clients read the repository, with what ends it. */
export interface OpenReading
  extends Omit<RepositoryPorts, 'ledger' | 'store' | 'redactor' | 'clock' | 'logger'> {
  snapshots: SnapshotFiles;
  close(): Promise<void>;
}

/**
 * Opens what clients read through. Starts nothing before something is read.
 *
 * @param given.root the workspace, a real path
 * @param given.folders the folders of an editor's window
 * @throws GimoError `validation_error` if the folder of the repositories is not there
 */
export function openReading(given: {
  root: string;
  dataDir: string;
  settings: Reading;
  folders: (() => readonly string[]) | undefined;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  fence: () => void;
}): OpenReading {
  const { root, dataDir, settings, folders, env, clock, fence } = given;
  const reader = createRepoReader();
  const bound = settings.repoRoot === null ? null : realFolder(settings.repoRoot);
  return {
    reader,
    snapshots: createSnapshots({
      ...{ dir: join(dataDir, 'snapshots'), ttl: settings.snapshotTtl, clock, fence },
    }),
    repos: createRepos({
      ...{ root, bound, home: homedir() },
      ...(folders === undefined ? {} : { folders }),
    }),
    acceptedIn: (repo) => allowlistElsewhere(configHome(env), repo),
    requireAllowlist: settings.requireAllowlist,
    allowlistTtl: settings.allowlistTtl,
    close: () => reader.close(),
  };
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new GimoError(
      'validation_error',
      'There is no folder at ORCH_REPO_ROOT. Name one that exists, or leave it out.',
      { cause },
    );
  }
}
