import { existsSync } from 'node:fs';
import type { SecretVault } from '../core/ports.ts';
import { epochsIn, lockDir, placesOf } from '../store/claim-places.ts';

/*
 * An editor answers for a secret in as long as all else of a start takes. So what the last server asked for is asked for
 * while the code of the next one is still being loaded. Imports nothing heavy: it is there before that code.
 */

/** Where a server's things lie, and the secrets that it asked its vault for. */
export interface LastStart {
  dataDir: string;
  ledgerDir: string;
  names: readonly string[];
}

/**
 * A vault that has asked already for what the last server of a data directory asked for.
 *
 * Such an answer counts only if nobody can have changed the secret since: if at that time nobody held the directory, and
 * the claim of the server that asks is the very next one. Else, and for all else, the vault is asked again.
 *
 * @param last undefined if no server is known to have run
 * @returns the vault, and the names that were asked for
 */
export function readAhead(
  vault: SecretVault,
  last: LastStart | undefined,
): SecretVault & { readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  const isRight = last === undefined ? null : nobodySince(last);
  const ahead = new Map<string, Promise<string | undefined>>();
  for (const name of (isRight !== null && last?.names) || []) {
    const answer = vault.get(name);
    // Whoever asks gets it; that nobody does is no failure.
    answer.catch(() => undefined);
    ahead.set(name, answer);
  }
  return {
    asked,
    async get(name) {
      asked.add(name);
      const answer = ahead.get(name);
      ahead.delete(name);
      return answer !== undefined && isRight?.() === true ? answer : vault.get(name);
    },
    set(secrets) {
      for (const name of Object.keys(secrets)) ahead.delete(name);
      return vault.set(secrets);
    },
    delete(name) {
      ahead.delete(name);
      return vault.delete(name);
    },
  };
}

/**
 * Whoever holds a data directory has the latest epoch, a lock for it, and a file that names the owner. Each claim is one
 * epoch more.
 *
 * @returns tells the next holder whether nobody else has held it since; null if somebody may hold it now
 */
function nobodySince({ dataDir, ledgerDir }: LastStart): (() => boolean) | null {
  const places = placesOf(dataDir, ledgerDir);
  const latest = () => (existsSync(places.epochs) ? (epochsIn(places).at(-1) ?? null) : null);
  const free = latest();
  if (free === null || existsSync(lockDir(places, free)) || existsSync(places.owner)) return null;
  return () => latest() === free + 1;
}
