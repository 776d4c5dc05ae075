import { randomBytes } from 'node:crypto';
import { GimoError } from '../contract/errors.ts';
import type { Ledger, SecretVault } from '../core/ports.ts';
import { sha256, type TokenRole, tokenProblem, tokenRoles } from '../core/principals.ts';

/** The length of a token that GIMO makes, in bytes. */
const tokenBytes = 48;

/**
 * The tokens in force: given ones first, then those that the vault keeps, and for what is still missing new ones,
 * kept in the vault. A hash of each goes into the ledger, so that it is known for ever that it was once valid.
 *
 * @throws GimoError `validation_error` if a token is too short, or two roles share one
 */
export async function openTokens(
  given: Readonly<Partial<Record<TokenRole, string>>>,
  vault: SecretVault,
  ledger: Pick<Ledger, 'knewToken' | 'rememberToken'>,
): Promise<ReadonlyMap<TokenRole, string>> {
  const tokens = new Map<TokenRole, string>();
  for (const role of tokenRoles) {
    const token =
      given[role] ?? (await vault.get(`token.${role}`)) ?? (await makeToken(role, vault));
    tokens.set(role, token);
  }
  const wrong = tokenProblem(tokens);
  if (wrong !== null) throw new GimoError('validation_error', wrong);
  for (const [role, token] of tokens) {
    const hash = sha256(token);
    if (!ledger.knewToken(hash)) await ledger.rememberToken(role, hash);
  }
  return tokens;
}

async function makeToken(role: TokenRole, vault: SecretVault): Promise<string> {
  const token = randomBytes(tokenBytes).toString('base64url');
  await vault.set(`token.${role}`, token);
  return token;
}
