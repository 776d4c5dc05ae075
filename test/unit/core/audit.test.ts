import { appendFile, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { AuditEntry } from '../../../src/contract/rows/security.ts';
import { type Act, openAudit, verifyAudit } from '../../../src/core/audit.ts';
import { gate, openParts, type Parts, tempDir } from './support.ts';

const act = (n: number): Act => ({
  ...{ correlationId: `c${n}`, actor: 'admin:000', operation: 'createDraft' },
  ...{ target: `d_${n}`, request: null },
});
const full = new GimoError('storage_full', 'No room.');

const openOn = ({ auditFile, ledger, clock, logger }: Parts) =>
  openAudit({ file: auditFile, ledger, clock, logger });
const verify = ({ auditFile, ledger }: Parts) => verifyAudit(auditFile, ledger);

async function entriesOf({ auditFile }: Parts) {
  const entries: AuditEntry[] = [];
  for await (const line of auditFile.lines()) entries.push(AuditEntry.parse(JSON.parse(line)));
  return entries;
}

/** A directory whose audit holds so many entries, and then is closed. */
async function written(entries: number): Promise<string> {
  const dir = await tempDir();
  await more(dir, entries);
  return dir;
}

/** Starts on a directory again, adds entries and closes it. */
async function more(dir: string, entries: number) {
  const parts = await openParts(dir);
  const audit = await openOn(parts);
  for (let n = 1; n <= entries; n += 1) await audit.append(act(n), 'done');
  await parts.close();
}

async function verdictOf(dir: string) {
  const parts = await openParts(dir);
  const verdict = await verify(parts);
  await parts.close();
  return verdict;
}

const auditDirOf = (dir: string) => join(dir, 'work', '.orch_data', 'ops', 'audit');

/** Changes the lines of the one audit file that there is. */
async function tamper(dir: string, change: (lines: string[]) => string[]) {
  const [name = ''] = await readdir(auditDirOf(dir));
  const path = join(auditDirOf(dir), name);
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

describe('the chain', () => {
  it('is whole before the first entry and after each, across restarts', async () => {
    const dir = await tempDir();
    expect(await verdictOf(dir)).toEqual({ verdict: 'whole', at: null, entries: 0 });
    await more(dir, 3);
    await more(dir, 2);
    expect(await verdictOf(dir)).toEqual({ verdict: 'whole', at: null, entries: 5 });
    const parts = await openParts(dir);
    expect((await entriesOf(parts)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps the order of entries that arrive while others are being synced', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    await Promise.all(Array.from({ length: 50 }, (_, n) => audit.append(act(n), 'done')));
    expect((await entriesOf(parts)).map(({ correlation_id }) => correlation_id)).toEqual(
      Array.from({ length: 50 }, (_, n) => `c${n}`),
    );
    expect((await verify(parts)).verdict).toBe('whole');
  });

  it('goes on whole after an append that failed, which leaves nothing behind', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    await audit.append(act(1), 'done');
    parts.faults.audit = full;
    const failed = [audit.append(act(2), 'done'), audit.append(act(3), 'done')];
    for (const one of failed) await expect(one).rejects.toMatchObject({ code: 'storage_full' });
    delete parts.faults.audit;
    await audit.append(act(4), 'done');
    expect((await entriesOf(parts)).map(({ target }) => target)).toEqual(['d_1', 'd_4']);
    expect((await verify(parts)).verdict).toBe('whole');
  });
});

describe('an entry that is not as it was written is told by its number', () => {
  const swap = (lines: string[], a: number, b: number) =>
    lines.map((line, n) => lines[n === a ? b : n === b ? a : n] ?? line);
  const edit = (at: number, from: string | RegExp, to: string) => (lines: string[]) =>
    lines.map((line, n) => (n === at ? line.replace(from, to) : line));
  const kinds: [string, number, (lines: string[]) => string[]][] = [
    ['another actor', 3, edit(2, 'admin:000', 'admin:111')],
    ['another outcome', 3, edit(2, '"done"', '"stale"')],
    ['another target', 3, edit(2, 'd_3', 'd_4')],
    ['another time', 3, edit(2, /"ts":"\d+/, '"ts":"2020')],
    ['another request', 3, edit(2, '"request":null', '"request":"00"')],
    ['another sequence number', 3, edit(2, '"seq":3', '"seq":7')],
    ['another MAC', 3, edit(2, /"mac":"[0-9a-f]{4}/, '"mac":"0000')],
    ['no MAC', 3, edit(2, /,"mac":"[0-9a-f]{64}"/, '')],
    ['a field more', 3, edit(2, '{', '{"note":"",')],
    ['a space more', 3, edit(2, '{', '{ ')],
    ['the same key twice', 3, edit(2, '{', '{"actor":"x",')],
    [
      'half of it missing',
      3,
      (lines) => lines.map((line, n) => (n === 2 ? line.slice(0, 40) : line)),
    ],
    ['something else than JSON', 3, (lines) => lines.with(2, 'hello')],
    ['an empty line in its place', 3, (lines) => lines.with(2, '')],
    ['an entry left out in the middle', 3, (lines) => lines.toSpliced(2, 1)],
    ['the first entry left out', 1, (lines) => lines.slice(1)],
    ['an entry twice', 4, (lines) => lines.toSpliced(3, 0, lines[2] ?? '')],
    ['an entry from elsewhere in between', 3, (lines) => lines.toSpliced(2, 0, lines[4] ?? '')],
    ['two entries in another order', 3, (lines) => swap(lines, 2, 3)],
    ['the last two in another order', 4, (lines) => swap(lines, 3, 4)],
    ['all in another order', 1, (lines) => lines.toReversed()],
    ['a line behind the last one', 6, (lines) => [...lines, lines[4] ?? '']],
  ];
  it.each(kinds)('%s', async (_what, at, change) => {
    const dir = await written(5);
    await tamper(dir, change);
    expect(await verdictOf(dir)).toMatchObject({ verdict: 'modified', at, entries: at - 1 });
    // What the server writes next neither hides it nor moves it.
    await more(dir, 2);
    expect(await verdictOf(dir)).toMatchObject({ verdict: 'modified', at });
  });

  it('an entry of another chain, with the same numbers', async () => {
    const [dir, other] = [await written(5), await written(5)];
    await cp(auditDirOf(other), auditDirOf(dir), { recursive: true });
    expect(await verdictOf(dir)).toMatchObject({ verdict: 'modified', at: 1 });
  });
});

describe('an end that was cut off', () => {
  it.each([
    [4, (lines: string[]) => lines.slice(0, 4)],
    [1, (lines: string[]) => lines.slice(0, 1)],
    [0, () => []],
  ])('is told by the last entry that is left (%i)', async (at, change) => {
    const dir = await written(5);
    await tamper(dir, change);
    expect(await verdictOf(dir)).toEqual({ verdict: 'truncated', at, entries: at });
  });

  it('is told when the files are gone', async () => {
    const dir = await written(5);
    await rm(auditDirOf(dir), { recursive: true });
    expect(await verdictOf(dir)).toEqual({ verdict: 'truncated', at: 0, entries: 0 });
  });

  it.each([1, 2, 3, 5])(
    'by an older copy of the file stays told, after %i entries more',
    async (entries) => {
      const dir = await written(2);
      const copy = join(dir, 'copy');
      await cp(auditDirOf(dir), copy, { recursive: true });
      await more(dir, 3);
      await rm(auditDirOf(dir), { recursive: true });
      await cp(copy, auditDirOf(dir), { recursive: true });
      expect(await verdictOf(dir)).toEqual({ verdict: 'truncated', at: 2, entries: 2 });
      await more(dir, entries);
      expect(await verdictOf(dir)).toEqual({ verdict: 'modified', at: 3, entries: 2 });
    },
  );

  it('by an older copy while the server runs stays told', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    await audit.append(act(1), 'done');
    const copy = join(parts.dir, 'copy');
    await cp(parts.auditDir, copy, { recursive: true });
    await audit.append(act(2), 'done');
    await rm(parts.auditDir, { recursive: true });
    await cp(copy, parts.auditDir, { recursive: true });
    await audit.append(act(3), 'done');
    expect(await verify(parts)).toMatchObject({ verdict: 'modified', at: 2 });
  });
});

describe('a tail that the ledger did not see', () => {
  /** Takes the ledger's witness back to where it was when `earlier` was written, as a power cut may. */
  async function unwitnessed() {
    const dir = await written(2);
    const head = join(dir, 'ledger', 'audit-head');
    const before = await readFile(head);
    await more(dir, 3);
    await writeFile(head, before);
    return dir;
  }

  it('is genuine, is told as such, and the chain goes on behind it', async () => {
    const dir = await unwitnessed();
    expect(await verdictOf(dir)).toEqual({ verdict: 'unwitnessed', at: 2, entries: 5 });
    await more(dir, 1);
    expect(await verdictOf(dir)).toEqual({ verdict: 'whole', at: null, entries: 6 });
  });

  it('that is forged is told, and what the server writes does not go on from it', async () => {
    const dir = await written(2);
    await tamper(dir, (lines) => [...lines, (lines[1] ?? '').replace('"seq":2', '"seq":3')]);
    await more(dir, 1);
    expect(await verdictOf(dir)).toMatchObject({ verdict: 'modified', at: 3 });
    const parts = await openParts(dir);
    expect((await entriesOf(parts)).map(({ seq }) => seq)).toEqual([1, 2, 3, 3]);
  });

  it('with a number that nobody can count on from does not stop the server', async () => {
    const dir = await written(1);
    const [name = ''] = await readdir(auditDirOf(dir));
    const path = join(auditDirOf(dir), name);
    const line = (await readFile(path, 'utf8')).replace('"seq":1,', '"seq":9007199254740991,');
    await appendFile(path, line);
    await more(dir, 2);
    expect(await verdictOf(dir)).toMatchObject({ verdict: 'modified', at: 2 });
  });
});

describe('an act', () => {
  it('stands in the audit, synced, before its effect begins; its outcome afterwards', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    const seen = await audit.around(act(1), () => entriesOf(parts));
    expect(seen.map(({ outcome }) => outcome)).toEqual(['intent']);
    const failing = audit.around(act(2), () => Promise.reject(new GimoError('stale', 'x')));
    await expect(failing).rejects.toMatchObject({ code: 'stale' });
    const broken = audit.around(act(3), () => Promise.reject(new Error('x')));
    await expect(broken).rejects.toThrow('x');
    expect((await entriesOf(parts)).map(({ target, outcome }) => `${target} ${outcome}`)).toEqual([
      ...['d_1 intent', 'd_1 done', 'd_2 intent', 'd_2 stale', 'd_3 intent', 'd_3 internal'],
    ]);
  });

  it('that cannot be audited does not happen', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    parts.faults.audit = full;
    let happened = false;
    const effect = async () => {
      happened = true;
    };
    const refused = audit.around(act(1), effect);
    await expect(refused).rejects.toMatchObject({ code: 'storage_full' });
    expect(happened).toBe(false);
  });

  it('whose outcome cannot be audited stands, and the log tells', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    const done = audit.around(act(1), async () => {
      parts.faults.audit = full;
      return 'done';
    });
    expect(await done).toBe('done');
    expect(parts.told.map(({ message }) => message)).toEqual([
      expect.stringContaining('The outcome of createDraft could not be audited'),
    ]);
  });

  it('that is a brake happens all the same, before its intent is written', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    parts.faults.audit = full;
    expect(await audit.around(act(1), async () => 'stopped', true)).toBe('stopped');
    expect(parts.told).toHaveLength(2);
    delete parts.faults.audit;
    const begun = gate();
    const slow = audit.around(act(2), () => begun.promise, true);
    begun.resolve();
    await slow;
    expect((await entriesOf(parts)).map(({ outcome }) => outcome)).toEqual(['intent', 'done']);
  });

  it('that lost the data directory is told so', async () => {
    const parts = await openParts(await tempDir());
    const audit = await openOn(parts);
    parts.faults.audit = new GimoError('not_writer', 'Another server has it.');
    await expect(audit.around(act(1), async () => 1)).rejects.toMatchObject({ code: 'not_writer' });
  });
});
