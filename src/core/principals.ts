import { createHash, timingSafeEqual } from 'node:crypto';
import type { Role } from '../contract/operation.ts';
import { sha256 } from './hash.ts';

/** Who calls: a role, and the label under which what they do is recorded. */
export interface Principal {
  role: Role;
  /** `role:<sha256(token)[:12]>`; it identifies the token and does not give it away. */
  actor: string;
}

/** Whether a person asks, who may see the whole workspace anyway. */
export const isPerson = ({ principal }: { principal: Principal }): boolean =>
  principal.role === 'admin' || principal.role === 'editor';

/** The actor of what the server does of its own accord. */
export const systemActor = 'system';

/** Roles that a token stands for. */
export const tokenRoles = ['admin', 'operator', 'actions', 'agent'] as const;
export type TokenRole = (typeof tokenRoles)[number];

/** The least length of a token, in characters. */
const shortestToken = 16;

/** The principal of a role whose credential has this text (a token, or an editor's install id). */
export const principalOf = (role: Role, credential: string): Principal => ({
  role,
  actor: `${role}:${sha256(credential).slice(0, 12)}`,
});

/**
 * Finds the principal of a token. Compares hashes in constant time, and always all of them, so that the time taken
 * tells nothing about which token was nearly right.
 *
 * @param tokens the tokens in force, by role
 */
export function authenticate(
  tokens: ReadonlyMap<TokenRole, string>,
  presented: string,
): Principal | null {
  const hash = createHash('sha256').update(presented).digest();
  let found: Principal | null = null;
  for (const [role, token] of tokens)
    if (timingSafeEqual(hash, createHash('sha256').update(token).digest()))
      found = principalOf(role, token);
  return found;
}

/**
 * Tells what is wrong with a set of tokens, or null if it may be used: one that is too short to be safe, or two roles
 * that share one (the stronger role would be given away with the weaker).
 */
export function tokenProblem(tokens: ReadonlyMap<TokenRole, string>): string | null {
  const seen = new Map<string, TokenRole>();
  for (const [role, token] of tokens) {
    if (token.length < shortestToken)
      return `The ${role} token has ${token.length} characters; it needs at least ${shortestToken}. Set a longer one, or leave it out and GIMO makes one.`;
    const other = seen.get(token);
    if (other !== undefined)
      return `The ${other} and ${role} tokens are the same. Give each role a token of its own.`;
    seen.set(token, role);
  }
  return null;
}
