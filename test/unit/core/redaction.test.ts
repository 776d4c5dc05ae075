import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, placeholder } from '../../../src/core/redaction.ts';

const none = createRedactor(() => []);

describe('known secrets', () => {
  /** Texts like keys and worse ones; what the placeholder itself holds cannot be told from it. */
  const secret = fc
    .oneof(
      fc.string({ minLength: 8, maxLength: 40 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{8,64}$/),
      fc.stringMatching(/^[$.*+?()[\]{}|\\^/&"']{8,20}$/),
      fc.stringMatching(/^[ab]{8,12}$/),
    )
    .filter((text) => !placeholder.includes(text));

  it('of 8 or more characters never survive, however often and wherever they stand', () => {
    const secrets = fc.array(secret, { minLength: 1, maxLength: 4 });
    const noise = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(secrets, fc.array(noise, { maxLength: 8 }), fc.nat(), (known, parts, seed) => {
        const text = parts.map((part, n) => part + known[(n + seed) % known.length]).join('');
        const { redact, redactKnown, holdsSecret } = createRedactor(() => known);
        // A secret that holds the placeholder could be made anew by putting it in.
        fc.pre(known.every((one) => !one.includes('[') && !one.includes(']')));
        for (const one of known) {
          expect(redact(text)).not.toContain(one);
          expect(redactKnown(text)).not.toContain(one);
        }
        expect(holdsSecret({ a: [{ [text]: 0 }] })).toBe(parts.length > 0);
      }),
      { numRuns: 300 },
    );
  });

  it('never survive as they are usually coded: in an address, in JSON, in base64 or hex', () => {
    const known = 'a/key+with "quotes" & =';
    const { redact, redactKnown, holdsSecret } = createRedactor(() => [known]);
    const bytes = Buffer.from(known);
    const coded = [
      ...[encodeURIComponent(known), JSON.stringify(known), bytes.toString('hex')],
      ...[bytes.toString('base64'), bytes.toString('base64url')],
    ];
    for (const text of coded) {
      expect(redact(`so: ${text}.`)).toMatch(/^so: "?\[REDACTED\]"?=*\.$/);
      expect(redactKnown(text)).toContain('[REDACTED]');
      expect(holdsSecret([text])).toBe(true);
    }
  });

  it('are taken out before patterns look, the longest first', () => {
    const redactor = createRedactor(() => ['token-abc', 'token-abc-def']);
    expect(redactor.redact('x token-abc-def y')).toBe(`x ${placeholder} y`);
    expect(redactor.redactKnown('token-abc token-abc-def')).toBe(`${placeholder} ${placeholder}`);
  });

  it('shorter than 8 characters are left, for ordinary words would go with them', () => {
    const redactor = createRedactor(() => ['', 'secret7']);
    expect(redactor.redact('a secret7 b')).toBe('a secret7 b');
    expect(redactor.holdsSecret('a secret7 b')).toBe(false);
  });

  it('are asked for at each call, so that a new one counts at once', () => {
    const known: string[] = [];
    const redactor = createRedactor(() => known);
    known.push('made-just-now');
    expect(redactor.redact('made-just-now')).toBe(placeholder);
  });

  it('are found in keys and deep values, without overflowing the stack', () => {
    const redactor = createRedactor(() => ['hidden-value']);
    let deep: unknown = { 'a hidden-value': 1 };
    for (let n = 0; n < 100_000; n += 1) deep = [deep];
    expect(redactor.holdsSecret(deep)).toBe(true);
    expect(redactor.holdsSecret({ a: ['hidden', 'value', 7, null] })).toBe(false);
  });

  it('alone are taken out where a text must stay whole', () => {
    expect(none.redactKnown('password=hunter22')).toBe('password=hunter22');
  });
});

describe('what looks like a secret', () => {
  const long = 'Ab3'.repeat(20);
  it.each([
    ['an OpenAI key', `sk-${long}`],
    ['a Google key', `AIza${long}`],
    ['a GitHub token', `ghp_${long}`],
    ['a fine-grained GitHub token', `github_pat_${long}`],
    ['a Slack token', 'xoxb-123456789012-abcdef'],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE'],
    ['a JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${long}`],
    ['a PEM block', `-----BEGIN RSA PRIVATE KEY-----\n${long}\n-----END RSA PRIVATE KEY-----`],
    ['a PEM block that was cut', `-----BEGIN PRIVATE KEY-----\n${long}`],
  ])('%s', (_what, text) => {
    expect(none.redact(`before ${text}`)).toBe(`before ${placeholder}`);
  });

  it.each([
    ['postgres://me:hunter2@db/x', `postgres://${placeholder}@db/x`],
    ['password = "hunter22"', `password = "${placeholder}"`],
    ['{"api_key": "0123456789"}', `{"api_key": "${placeholder}"}`],
    ['ACCESS-TOKEN: abcdefgh', `ACCESS-TOKEN: ${placeholder}`],
  ])('%s keeps what is around it', (text, redacted) => {
    expect(none.redact(text)).toBe(redacted);
  });

  it.each([
    'The password is kept elsewhere.',
    'http://127.0.0.1:9325/ops/drafts',
    'mailto:someone@example.com',
    'risk-averse and task-oriented',
    'const token = next();',
  ])('is not %j', (text) => expect(none.redact(text)).toBe(text));

  it('is found in time that does not explode', () => {
    const began = performance.now();
    for (const bait of ['-----BEGIN ', 'a://', 'password', 'eyJ', 'secret=" '])
      none.redact(bait.repeat(200_000 / bait.length));
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('JSON web tokens', () => {
  const pattern = /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g;
  const piece = fc.oneof(
    fc.constantFrom('eyJ', '.', '-', '_', ' ', 'eyJhbGciOi', 'abcdefgh', '.abcdefgh', '\n'),
    fc.stringMatching(/^[A-Za-z0-9_.-]{0,12}$/),
  );

  it('are found where the pattern finds them', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        expect(none.redact(text)).toBe(text.replace(pattern, placeholder));
      }),
      { numRuns: 3000 },
    );
  });

  it('do not make the time that it takes grow with the square of a line', () => {
    const lines = ['-eyJaaaaaaaa', 'eyJaaaaaaaa.', 'aeyJ'].map((one) => one.repeat(150_000));
    for (const line of [...lines, `${lines[2]}.aaaaaaaa.aaaaaaaa`])
      expect(none.redact(line).length).toBeLessThanOrEqual(line.length);
  }, 5_000);
});

describe('redaction that keeps lines', () => {
  it('leaves as many lines as there were', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----';
    expect(none.redactLines(`a\n${key}\nb`)).toBe(`a\n${placeholder}\n\n\n\nb`);
    expect(none.redact(`a\n${key}\nb`)).toBe(`a\n${placeholder}\nb`);
  });
});
