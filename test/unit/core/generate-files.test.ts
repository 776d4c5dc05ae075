import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { EditStep, Step } from '../../../src/contract/records.ts';
import {
  fillGenerated,
  gatherFiles,
  likeBase,
  mostShown,
} from '../../../src/core/generate-files.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { createRedactor, placeholder } from '../../../src/core/redaction.ts';
import type { FoundFile } from '../../../src/core/work.ts';

const secret = 'a-known-secret-0123';
const redactor = createRedactor(() => [secret]);
const mark = '\u{feff}';

/** A workspace that holds these files; what is looked at is counted. */
function workspaceWith(files: Record<string, string | FoundFile>) {
  const looked: string[] = [];
  return {
    looked,
    readable: async () => ({ files: Object.keys(files), truncated: false }),
    workspace: {
      async look(path: string): Promise<FoundFile> {
        looked.push(path);
        const found = files[path];
        if (found === undefined) return { state: 'missing' };
        if (typeof found !== 'string') return found;
        return { state: 'file', sha256: sha256(found), bytes: found.length, text: found };
      },
    },
  };
}
const gather = (files: Record<string, string | FoundFile>, prompt = 'x') => {
  const found = workspaceWith(files);
  return gatherFiles({ ...found, redactor }, prompt);
};

describe('the files that a model is shown', () => {
  it('are shown without secrets and byte order mark, with the hash of what they hold', async () => {
    const text = `${mark}key = ${secret}\n`;
    const { shown } = await gather({ 'a.txt': text });
    expect(shown).toEqual([
      { path: 'a.txt', sha256: sha256(text), whole: text, text: `key = ${placeholder}\n` },
    ]);
  });

  it('are whole files up to a bound; the others are named', async () => {
    const large = 'x'.repeat(mostShown + 1);
    const half = 'y'.repeat(mostShown / 2 + 1);
    const { shown, left } = await gather({
      ...{ 'a.txt': 'a', 'b.txt': large, 'c.txt': half, 'd.txt': half, 'e.txt': 'e' },
      'f.bin': { state: 'file', sha256: '', bytes: 1, text: null },
    });
    expect(shown.map(({ path }) => path)).toEqual(['a.txt', 'c.txt', 'e.txt']);
    expect(left).toEqual(['b.txt', 'd.txt', 'f.bin']);
  });

  it('are first of all those that the prompt names', async () => {
    const half = 'y'.repeat(mostShown / 2 + 1);
    const files = { 'a.txt': half, 'src/b.txt': half, 'c.txt': '' };
    const { shown, left } = await gather(files, 'Change b.txt');
    expect(shown.map(({ path }) => path)).toEqual(['src/b.txt', 'c.txt']);
    expect(left).toEqual(['a.txt']);
  });

  it('are not those that are gone or that no edit may change', async () => {
    const refused = { state: 'refused', why: 'It is a link.' } as const;
    const { shown, left } = await gather({ 'a.txt': { state: 'missing' }, 'b.txt': refused });
    expect([shown, left]).toEqual([[], []]);
  });

  it('are not looked for without end', async () => {
    const large = 'x'.repeat(mostShown + 1);
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`${n}.txt`, large]));
    const found = workspaceWith(files);
    const { left } = await gatherFiles({ ...found, redactor }, 'x');
    expect(left).toHaveLength(500);
    expect(found.looked.length).toBeLessThan(25);
  });
});

const edit = (...changes: EditStep['changes']): Step => ({ id: 'e', kind: 'edit', changes });
/** What becomes of changes, where these files are shown, and those are there besides. */
async function filled(
  shown: Record<string, string>,
  changes: EditStep['changes'] | Step[],
  { there = {}, mayTell = true }: { there?: Record<string, FoundFile>; mayTell?: boolean } = {},
) {
  const files = await gather(shown);
  const { workspace, looked } = workspaceWith(there);
  const steps = changes.map((one) => ('kind' in one ? one : edit(one)));
  const ports = { workspace, files, mayTell: async () => mayTell };
  const made = await fillGenerated(steps, ports);
  const flat = made.flatMap((step) => (step.kind === 'edit' ? step.changes : []));
  return { changes: flat, looked };
}
async function whyNot(...given: Parameters<typeof filled>): Promise<string> {
  const error: unknown = await filled(...given).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!GimoError.is(error, 'provider_error')) throw new Error(`not refused: ${error}`);
  return error.message;
}

describe('the base of a change', () => {
  it('is the version that was shown, whatever stands there now', async () => {
    const now = {
      'a.txt': { state: 'file', sha256: sha256('two\n'), bytes: 4, text: 'two\n' },
    } as const;
    const { changes, looked } = await filled(
      { 'a.txt': 'one\n' },
      [{ path: './a.txt', base_sha256: sha256('what a model makes up'), text: 'three\n' }],
      { there: now },
    );
    expect(changes).toEqual([{ path: 'a.txt', base_sha256: sha256('one\n'), text: 'three\n' }]);
    expect(looked).toEqual([]);
  });

  it('is null where nothing is', async () => {
    const { changes } = await filled({}, [{ path: 'new.txt', text: 'x' }]);
    expect(changes).toEqual([{ path: 'new.txt', base_sha256: null, text: 'x' }]);
  });

  it('is what an earlier step leaves there', async () => {
    const { changes } = await filled({ 'a.txt': 'one\r\n' }, [
      { path: 'a.txt', text: 'two\n' },
      { path: 'a.txt', text: 'three' },
      { path: 'a.txt', text: null },
      { path: 'a.txt', text: 'four\n' },
    ]);
    expect(changes.map(({ base_sha256 }) => base_sha256)).toEqual([
      sha256('one\r\n'),
      sha256('two\r\n'),
      sha256('three\r\n'),
      null,
    ]);
  });

  it('is never of a file that the model did not see', async () => {
    const there = { 'a.txt': { state: 'file', sha256: sha256('x'), bytes: 1, text: 'x' } } as const;
    const why = await whyNot({}, [{ path: 'a.txt', text: 'y' }], { there });
    expect(why).toContain('had not been shown');
    expect(why).toContain('a.txt');
  });

  it('tells a client nothing of what it may not read, be it there or not', async () => {
    const there = { 'a.txt': { state: 'file', sha256: sha256('x'), bytes: 1, text: 'x' } } as const;
    const options = { there, mayTell: false };
    const one = await whyNot({}, [{ path: 'a.txt', text: 'y' }], options);
    const other = await whyNot({}, [{ path: 'b.txt', text: 'y' }], options);
    expect(one.replace('a.txt', 'b.txt')).toBe(other);
    expect(one).toContain('clients may not read');
  });

  it('does not exist where no edit may change anything', async () => {
    const there = { '.git/config': { state: 'refused', why: 'It lies in .git.' } } as const;
    const why = await whyNot({}, [{ path: '.git/config', text: 'y' }], { there });
    expect(why).toContain('It lies in .git.');
  });

  it('does not exist for a file that is to be deleted and is not there', async () => {
    expect(await whyNot({}, [{ path: 'a.txt', text: null }])).toContain('does not exist');
    const twice: EditStep['changes'] = [
      { path: 'a.txt', text: null },
      { path: 'a.txt', text: null },
    ];
    expect(await whyNot({ 'a.txt': 'x' }, twice)).toContain('does not exist');
  });
});

describe('the text of a change', () => {
  it('never puts back a placeholder for a secret', async () => {
    const shown = { 'a.txt': `key = ${secret}\n`, 'b.txt': `// ${placeholder}\n` };
    const why = await whyNot(shown, [{ path: 'a.txt', text: `key = ${placeholder}\n` }]);
    expect(why).toContain(placeholder);
    expect(why).toContain('a.txt');
    await filled(shown, [{ path: 'b.txt', text: `// ${placeholder}!\n` }]);
    await filled(shown, [{ path: 'a.txt', text: 'no key\n' }]);
  });

  it.each([
    ['line ends of Windows', 'a\r\nb\r\n', 'a\nc\n', 'a\r\nc\r\n'],
    ['a byte order mark', `${mark}a\n`, 'b\n', `${mark}b\n`],
    ['the last line end', 'a\n', 'b', 'b\n'],
    ['all of them', `${mark}a\r\n`, 'b\nc', `${mark}b\r\nc\r\n`],
  ])('gets %s of its base', (_name, base, text, wanted) => {
    expect(likeBase(base, text)).toBe(wanted);
  });

  it.each([
    ['where the base has both line ends', 'a\r\nb\n', 'a\nc\n'],
    ['that has carriage returns of its own', 'a\r\nb\r\n', 'a\r\nc\nd\n'],
    ['that has a last line end, where the base has none', 'a', 'b\n'],
    ['of a new file', '', 'a\nb'],
    ['that is empty', `${mark}a\r\n`, ''],
    ['with its byte order mark', `${mark}a\n`, `${mark}b\n`],
  ])('stays as it is: one %s', (_name, base, text) => {
    expect(likeBase(base, text)).toBe(text);
  });
});
