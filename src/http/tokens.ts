import { randomBytes } from 'node:crypto';
import { GimoError } from '../contract/errors.ts';
import { sha256 } from '../core/hash.ts';
import type { Ledger } from '../core/ledger-ports.ts';
import type { SecretVault } from '../core/ports.ts';
import {
  authenticate,
  type Principal,
  principalOf,
  type TokenRole,
  tokenProblem,
  tokenRoles,
} from '../core/principals.ts';

/** The length of a token that GIMO makes, in bytes. */
const tokenBytes = 48;

/** The tokens in force. */
export interface Tokens {
  of(role: TokenRole): string;
  /** Those in force, and those that were until now: all of them are to be kept out of what is written. */
  known(): Iterable<string>;
  authenticate(presented: string): Principal | null;
  /** Whether a token was valid once: whoever presents it is no stranger. */
  wasValid(presented: string): boolean;
  /**
   * Gives a role a new token. The old one is worth nothing when this resolves.
   * @throws GimoError `conflict_state` if it was given from outside
   */
  rotate(role: TokenRole): Promise<string>;
  /**
   * Tells of tokens that are worth nothing any more, by actor.
   * @returns a function that ends the subscription
   */
  onRetired(listener: (actor: string) => void): () => void;
}

export interface TokenPorts {
  /** Tokens from outside, which are not ours to change. */
  given: Readonly<Partial<Record<TokenRole, string>>>;
  vault: SecretVault;
  ledger: Pick<Ledger, 'hadToken' | 'knewToken' | 'rememberToken'>;
  /** Called if the vault has lost tokens, so that new ones were made: whoever uses the old ones is refused. */
  madeAnew?: (() => void) | undefined;
  /** Called with the new token of a role, once it is in force, and with the one that it had. */
  rotated?: (role: TokenRole, token: string, old: string) => Promise<void>;
}

/**
 * Opens the tokens: given ones first, then those that the vault keeps, and for what is still missing new ones, kept in
 * the vault. A hash of each goes into the ledger, so that it is known for ever that it was once valid.
 *
 * @throws GimoError `validation_error` if a token is too short, or two roles share one
 */
export async function openTokens(ports: TokenPorts): Promise<Tokens> {
  const { given, vault, ledger, rotated, madeAnew } = ports;
  const lost: TokenRole[] = [];
  const found = await Promise.all(
    tokenRoles.map(
      async (role) => [role, given[role] ?? (await vault.get(vaultName(role)))] as const,
    ),
  );
  const tokens = new Map<TokenRole, string>();
  const made: Record<string, string> = {};
  for (const [role, kept] of found) {
    const token = kept ?? randomToken();
    tokens.set(role, token);
    if (kept !== undefined) continue;
    made[vaultName(role)] = token;
    if (ledger.hadToken(role)) lost.push(role);
  }
  if (Object.keys(made).length > 0) await vault.set(made);
  const wrong = tokenProblem(tokens);
  if (wrong !== null) throw new GimoError('validation_error', wrong);
  for (const [role, token] of tokens) await remember(role, token, ledger);
  if (lost.length > 0) madeAnew?.();
  const retired: string[] = [];
  const listeners = new Set<(actor: string) => void>();
  const of = (role: TokenRole) => tokens.get(role) ?? '';
  return {
    of,
    *known() {
      yield* tokens.values();
      yield* retired;
    },
    authenticate: (presented) => authenticate(tokens, presented),
    wasValid: (presented) => ledger.knewToken(sha256(presented)),
    async rotate(role) {
      if (given[role] !== undefined) throw fromOutside(role);
      const old = of(role);
      const token = randomToken();
      // In this order a crash leaves the old one or the new one in force, and never one that is forgotten.
      await remember(role, token, ledger);
      await vault.set({ [vaultName(role)]: token });
      tokens.set(role, token);
      retired.push(old);
      await rotated?.(role, token, old);
      for (const listener of listeners) listener(principalOf(role, old).actor);
      return token;
    },
    onRetired(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What the token of a role is called in a vault. */
export const vaultName = (role: TokenRole) => `token.${role}`;
const randomToken = () => randomBytes(tokenBytes).toString('base64url');

async function remember(role: TokenRole, token: string, ledger: TokenPorts['ledger']) {
  const hash = sha256(token);
  if (!ledger.knewToken(hash)) await ledger.rememberToken(role, hash);
}

const fromOutside = (role: TokenRole) =>
  new GimoError(
    'conflict_state',
    `The ${role} token was given in the environment, so GIMO cannot change it. Set another there and start again, or leave it out and GIMO makes one.`,
  );
