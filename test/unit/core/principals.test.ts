import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/core/hash.ts';
import { authenticate, type TokenRole, tokenProblem } from '../../../src/core/principals.ts';

const tokens = new Map<TokenRole, string>([
  ['admin', 'admin-token-0123456789'],
  ['operator', 'operator-token-0123456789'],
  ['actions', 'actions-token-0123456789'],
  ['agent', 'agent-token-0123456789'],
]);

describe('a token', () => {
  it.each([...tokens])('of the role %s is known by its whole text', (role, token) => {
    expect(authenticate(tokens, token)).toEqual({
      role,
      actor: `${role}:${sha256(token).slice(0, 12)}`,
    });
  });

  it.each(['', 'admin-token-012345678', 'admin-token-0123456789 ', 'ADMIN-TOKEN-0123456789'])(
    'that is not one of them (%j) is nobody',
    (presented) => expect(authenticate(tokens, presented)).toBeNull(),
  );

  it('does not show in the actor', () => {
    expect(authenticate(tokens, 'agent-token-0123456789')?.actor).not.toContain('token');
  });
});

describe('a set of tokens', () => {
  it('may be used when each is long enough and each is another', () => {
    expect(tokenProblem(tokens)).toBeNull();
    expect(tokenProblem(new Map([['admin', 'x'.repeat(16)]]))).toBeNull();
  });

  it('is refused with one that is too short, without showing it', () => {
    const wrong = tokenProblem(
      new Map<TokenRole, string>([...tokens, ['actions', 'short-secret-15']]),
    );
    expect(wrong).toMatch(/actions token has 15 characters/);
    expect(wrong).not.toContain('short-secret-15');
  });

  it('is refused when two roles share one, without showing it', () => {
    const shared = 'the-same-for-both-roles';
    const wrong = tokenProblem(
      new Map<TokenRole, string>([
        ['admin', shared],
        ['agent', shared],
      ]),
    );
    expect(wrong).toMatch(/admin and agent tokens are the same/);
    expect(wrong).not.toContain(shared);
  });
});
