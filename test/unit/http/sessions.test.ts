import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { attachText } from '../../../src/contract/attach.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { sha256 } from '../../../src/core/hash.ts';
import type { KeyPurpose } from '../../../src/core/ledger-ports.ts';
import { createSessions } from '../../../src/http/sessions.ts';

const hostPort = '127.0.0.1:9325';
const install = sha256('an installation');
const mac = (purpose: KeyPurpose, data: string) =>
  createHmac('sha256', `key for ${purpose}`).update(data).digest('hex');

/** Sessions on a clock that the test sets. */
function made() {
  let now = 0;
  const sessions = createSessions(
    { mac },
    () => hostPort,
    () => now,
  );
  const answerTo = (nonce: string, more: { at?: string; by?: KeyPurpose } = {}) => ({
    ...{ nonce, install },
    answer: mac(more.by ?? 'attach', attachText(nonce, more.at ?? hostPort, install)),
  });
  return {
    ...{ sessions, answerTo },
    attach: () => sessions.attach(answerTo(sessions.nonce())),
    wait(ms: number) {
      now += ms;
    },
  };
}

function codeOf(job: () => unknown): string {
  try {
    job();
  } catch (error) {
    if (GimoError.is(error)) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

test('a right answer gives a token of 48 random bytes, as the editor of that installation', () => {
  const { sessions, attach } = made();
  const { token, principal } = attach();
  expect(principal).toEqual({ role: 'editor', actor: `editor:${install.slice(0, 12)}` });
  expect(Buffer.from(token.split('.')[0] ?? '', 'base64url')).toHaveLength(48);
  expect(sessions.authenticate(token)).toEqual(principal);
  expect([...sessions.known()]).toEqual([token]);
  expect(attach().token).not.toBe(token);
});

test('a nonce works once, and for 30 seconds', () => {
  const { sessions, answerTo, wait } = made();
  const answer = answerTo(sessions.nonce());
  sessions.attach(answer);
  expect(codeOf(() => sessions.attach(answer))).toBe('stale');

  const late = answerTo(sessions.nonce());
  wait(30_000);
  expect(codeOf(() => sessions.attach(late))).toBe('stale');
});

test('an answer of another key, for another address, or to a nonce made up is refused', () => {
  const { sessions, answerTo } = made();
  const wrong = [
    answerTo(sessions.nonce(), { by: 'proof' }),
    answerTo(sessions.nonce(), { at: '127.0.0.1:1' }),
    { ...answerTo(sessions.nonce()), install: sha256('another') },
  ];
  for (const answer of wrong) expect(codeOf(() => sessions.attach(answer))).toBe('token_invalid');
  expect(codeOf(() => sessions.attach(answerTo('0'.repeat(64))))).toBe('stale');
});

test('a wrong answer spends the nonce', () => {
  const { sessions, answerTo } = made();
  const nonce = sessions.nonce();
  expect(codeOf(() => sessions.attach(answerTo(nonce, { by: 'seal' })))).toBe('token_invalid');
  expect(codeOf(() => sessions.attach(answerTo(nonce)))).toBe('stale');
});

test('nonces that nobody answers are forgotten, the oldest first', () => {
  const { sessions, answerTo } = made();
  const first = sessions.nonce();
  const rest = Array.from({ length: 256 }, () => sessions.nonce());
  expect(codeOf(() => sessions.attach(answerTo(first)))).toBe('stale');
  expect(sessions.attach(answerTo(rest[0] ?? '')).token).toContain('.');
});

test('a session ends a minute after its window was last connected, and not before', () => {
  const { sessions, attach, wait } = made();
  const { token, principal } = attach();
  const release = sessions.hold(token);
  wait(3_600_000);
  expect(sessions.authenticate(token)).toEqual(principal);
  release();
  wait(59_999);
  expect(sessions.authenticate(token)).toEqual(principal);
  wait(60_000);
  expect(sessions.authenticate(token)).toBeNull();
  expect([...sessions.known()]).toEqual([]);
});

test('no more than 32 windows are attached at once, and one that went away makes room', () => {
  const { sessions, attach, wait } = made();
  const tokens = Array.from({ length: 32 }, () => attach().token);
  expect(codeOf(attach)).toBe('rate_limited');
  for (const token of tokens.slice(1)) sessions.hold(token);
  wait(60_000);
  expect(sessions.authenticate(attach().token)).not.toBeNull();
});

test('the token of a session of an earlier server is known for what it was', () => {
  const { token } = made().attach();
  const { sessions } = made();
  expect(sessions.authenticate(token)).toBeNull();
  expect(sessions.wasValid(token)).toBe(true);
  const [random = ''] = token.split('.');
  for (const other of [random, `${random}.`, `${random}.${mac('proof', random)}`, `x${token}`])
    expect(sessions.wasValid(other)).toBe(false);
});
