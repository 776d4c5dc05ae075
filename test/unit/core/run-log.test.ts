import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../src/contract/records.ts';
import { createLineRedactor } from '../../../src/core/line-redactor.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { createRunLog, markOf, mostLog } from '../../../src/core/run-log.ts';
import { gate } from './support.ts';

const output = (msg: string): LogEntry => ({ ts: 't', level: 'OUTPUT', msg, step: 's' });
const own = (msg: string): LogEntry => ({ ts: 't', level: 'INFO', msg });

/** A log, and the batches that it wrote. */
function opened(before: readonly LogEntry[] = [], append?: () => Promise<void>) {
  const batches: (readonly LogEntry[])[] = [];
  const lost: unknown[] = [];
  let told = 0;
  const log = createRunLog({
    before,
    async append(lines) {
      batches.push(lines);
      await append?.();
    },
    told: () => {
      told += 1;
    },
    lost: (error) => lost.push(error),
  });
  return { log, batches, lost, told: () => told };
}
const texts = (entries: readonly LogEntry[]) => entries.map(({ msg }) => msg);
const cuts = (entries: readonly LogEntry[]) => entries.filter(({ level }) => level === 'WARNING');

describe('the log of a live run', () => {
  it('writes lines that wait in one go, and tells of them once', async () => {
    const { log, batches, told } = opened();
    for (let n = 0; n < 10_000; n += 1) log.add(output(`${n}`));
    expect([log.busy(), log.entries]).toEqual([true, []]);
    await log.written();
    expect([log.busy(), batches.length, told(), log.entries.length]).toEqual([false, 1, 1, 10_000]);
  });

  it('shows lines in order, those too that came while others were written', async () => {
    const writing = gate();
    const { log, batches } = opened([own('before')], () => writing.promise);
    log.add(output('1'));
    await null;
    for (const n of ['2', '3']) log.add(output(n));
    expect(texts(log.entries)).toEqual(['before']);
    writing.resolve();
    await log.written();
    expect(texts(log.entries)).toEqual(['before', '1', '2', '3']);
    expect(batches.map(texts)).toEqual([['1'], ['2', '3']]);
  });

  it('keeps in memory what the disk refuses, and says so', async () => {
    const { log, lost } = opened([], () => Promise.reject(new Error('full')));
    log.add(output('1'));
    await log.written();
    expect([texts(log.entries), lost]).toEqual([['1'], [new Error('full')]]);
  });

  it.each([
    ['entries', '', mostLog.entries],
    ['bytes', 'x'.repeat(2 ** 20), 3],
  ])(
    'ends in one line that says so when it has too many %s; what GIMO says goes on',
    async (_what, text, most) => {
      const { log } = opened();
      for (let n = 0; n < most + 10; n += 1) log.add(output(text));
      log.add(own('Execution completed'));
      await log.written();
      expect(log.entries.length).toBe(most + 2);
      expect(cuts(log.entries)).toHaveLength(1);
      expect(texts(log.entries.slice(-2))).toEqual([
        expect.stringContaining('further output is left out'),
        'Execution completed',
      ]);
      expect(log.isCut()).toBe(true);
      // After a restart it is cut still, and says so once.
      const next = opened(log.entries).log;
      next.add(output('more'));
      next.add(own('Execution resumed'));
      await next.written();
      expect([next.isCut(), cuts(next.entries).length]).toEqual([true, 1]);
      expect(next.entries.length).toBe(most + 3);
    },
  );

  it('what GIMO says of a run has an end too', async () => {
    const { log } = opened();
    for (let n = 0; n < mostLog.entries + 5000; n += 1) log.add(own('x'));
    await log.written();
    expect(log.entries.length).toBe(mostLog.entries + 1000);
  });
});

describe('the mark of a log', () => {
  const lines = [own('a'), output('b')];
  it.each([
    ['one line less', lines.slice(1)],
    ['another order', lines.toReversed()],
    ['another text', [own('a'), output('c')]],
    ['another level', [{ ...own('a'), level: 'ERROR' }, output('b')]],
    ['a field more', [{ ...own('a'), x: 1 }, output('b')]],
  ])('tells %s', (_what, other) => {
    expect(markOf(structuredClone(lines))).toEqual(markOf(lines));
    expect(markOf(other).sha256).not.toBe(markOf(lines).sha256);
  });
});

describe('a key in PEM', () => {
  const { redact } = createRedactor(() => []);
  const key = [
    '-----BEGIN RSA PRIVATE KEY-----',
    'MIIEpAIBAAKCAQEA',
    'AAAAsecond',
    '-----END RSA PRIVATE KEY-----',
  ];

  it('is replaced line by line, and nothing else is', () => {
    const redactLine = createLineRedactor(redact);
    const shown = ['before', ...key, 'after'].map((line) => redactLine(line, 's'));
    expect(shown).toEqual(['before', ...key.map(() => '[REDACTED]'), 'after']);
  });

  it('may begin and end within lines, and another may follow on the same one', () => {
    const redactLine = createLineRedactor(redact);
    const [begin = '', body = '', , end = ''] = key;
    expect(
      [`key: ${begin}`, body, `${end} and ${begin}`, body, `${end} done`, body].map((line) =>
        redactLine(line, 's'),
      ),
    ).toEqual([
      'key: [REDACTED]',
      '[REDACTED]',
      '[REDACTED] and [REDACTED]',
      '[REDACTED]',
      '[REDACTED] done',
      body,
    ]);
    expect(redactLine(`${begin} ${body} ${end}`, 's')).toBe('[REDACTED]');
    expect(redactLine('plain', 's')).toBe('plain');
  });

  it('that never ends hides the rest of its step, and nothing of the next one or of what GIMO says', () => {
    const redactLine = createLineRedactor(redact);
    redactLine('-----BEGIN PRIVATE KEY-----', 'one');
    expect(redactLine('Execution resumed', undefined)).toBe('Execution resumed');
    expect(redactLine('MIIE', 'one')).toBe('[REDACTED]');
    expect(redactLine('hello', 'two')).toBe('hello');
  });
});
