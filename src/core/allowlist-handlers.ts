import { GimoError } from '../contract/errors.ts';
import type { AllowedPath } from '../contract/rows/repository.ts';
import type { Clock } from './clock.ts';
import { writeCopy } from './copies.ts';
import { normalPath } from './cover.ts';
import type { Handlers } from './handlers.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Logger, Store } from './ports.ts';
import type { RepoReader, Repos } from './repo-ports.ts';

export interface AllowlistPorts {
  ledger: Pick<Ledger, 'allowlist'>;
  store: Pick<Store, 'allowlist'>;
  reader: Pick<RepoReader, 'kindOf'>;
  repos: Pick<Repos, 'root'>;
  clock: Clock;
  logger: Logger;
  /** Seconds that an entry holds where nothing else is said. */
  allowlistTtl: number;
  /** The entries that hold now and lead to something. */
  allowed: () => Promise<AllowedPath[]>;
}

/** What clients may read of the workspace, and the one place where it is said. */
export function allowlistHandlers(
  ports: AllowlistPorts,
): Pick<Handlers, 'getAllowlist' | 'setAllowlist'> {
  const { ledger, store, reader, repos, clock, logger, allowlistTtl, allowed } = ports;
  return {
    getAllowlist: { read: async () => ({ body: { paths: await allowed() } }) },
    setAllowlist: {
      lock: () => 'allowlist',
      async prepare({ paths }) {
        const usual = new Date(clock.now() + allowlistTtl * 1000).toISOString();
        const kept: { path: string; expires_at: string }[] = [];
        for (const { path, expires_at } of paths) {
          if ((await reader.kindOf(repos.root, path)) === null)
            throw new GimoError(
              'not_found',
              'One of the paths leads to nothing in the repository. Leave it out, or correct it.',
            );
          const until = expires_at == null ? usual : new Date(expires_at).toISOString();
          kept.push({ path: normalPath(path), expires_at: until });
        }
        return {
          target: 'allowlist',
          async effect() {
            await ledger.allowlist.write({ paths: kept });
            await writeCopy(store.allowlist, 'allowlist', { paths: kept }, logger);
            const body = { paths: await allowed() };
            return { body, changes: [{ type: 'changes', id: 'allowlist' }] };
          },
        };
      },
    },
  };
}
