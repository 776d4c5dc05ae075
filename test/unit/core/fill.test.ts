import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { type Config, defaultConfig, type Step } from '../../../src/contract/records.ts';
import { createFill, type FillPorts } from '../../../src/core/fill.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { principalOf } from '../../../src/core/principals.ts';
import type { FoundFile } from '../../../src/core/work.ts';

const files: Record<string, FoundFile> = {
  'open.txt': { state: 'file', sha256: sha256('open'), bytes: 4, text: 'open' },
  'closed.txt': { state: 'file', sha256: sha256('closed'), bytes: 6, text: 'closed' },
  'link.txt': { state: 'refused', why: 'It is a link.' },
};
const allowlist: Config['command_allowlist'] = [{ program: '/bin/tool', args_prefix: [] }];

function fillOf(more: Partial<FillPorts> = {}) {
  const looked: string[] = [];
  const fill = createFill({
    workspace: {
      async look(path) {
        looked.push(path);
        return files[path] ?? { state: 'missing' };
      },
    },
    programs: {
      realPath: async (program) => (program === 'tool' ? '/bin/tool' : null),
      refused: () => null,
    },
    settings: { config: () => ({ ...defaultConfig, command_allowlist: allowlist }) },
    judge: async () => (path) => path !== 'closed.txt' && path !== 'nothing.txt',
    ...more,
  });
  return { fill, looked };
}
const as = (role: 'admin' | 'editor' | 'agent') => ({
  principal: principalOf(role, 'a-token-for-tests'),
});
const edit = (id: string, ...changes: (Step & { kind: 'edit' })['changes']): Step => ({
  ...{ id, kind: 'edit', changes },
});
const basesOf = (steps: readonly Step[]) =>
  steps.flatMap((step) =>
    step.kind === 'edit' ? step.changes.map(({ base_sha256 }) => base_sha256) : [],
  );
async function refusalOf(filling: Promise<unknown>): Promise<string> {
  const error: unknown = await filling.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!GimoError.is(error, 'path_refused')) throw new Error(`not refused: ${error}`);
  return error.message;
}

describe('a base that is left out', () => {
  it.each(['admin', 'editor'] as const)('is filled in for %s', async (role) => {
    const { fill } = fillOf();
    const steps = [
      edit('1', { path: 'open.txt', text: 'x' }, { path: 'new.txt', text: 'x' }),
      edit('2', { path: 'closed.txt', text: null }),
    ];
    const filled = await fill.proposal(steps, as(role));
    expect(basesOf(filled)).toEqual([sha256('open'), null, sha256('closed')]);
    expect(steps[0]).toEqual(
      edit('1', { path: 'open.txt', text: 'x' }, { path: 'new.txt', text: 'x' }),
    );
  });

  it('is what an earlier step leaves there', async () => {
    const { fill } = fillOf();
    const steps = [
      edit('1', { path: 'open.txt', text: 'one' }),
      edit('2', { path: './open.txt', text: null }),
      edit('3', { path: 'open.txt', text: 'two' }),
    ];
    const filled = await fill.proposal(steps, as('admin'));
    expect(basesOf(filled)).toEqual([sha256('open'), sha256('one'), null]);
  });

  it('is filled in for an agent where clients may read', async () => {
    const { fill } = fillOf();
    const steps = [edit('1', { path: 'open.txt', text: 'x' }, { path: 'new.txt', text: 'x' })];
    expect(basesOf(await fill.proposal(steps, as('agent')))).toEqual([sha256('open'), null]);
  });

  it('is refused to an agent elsewhere, whether there is something or not', async () => {
    const { fill, looked } = fillOf();
    const [one, other] = await Promise.all(
      ['closed.txt', 'nothing.txt'].map((path) =>
        refusalOf(fill.proposal([edit('1', { path, text: 'x' })], as('agent'))),
      ),
    );
    expect(one).toBe(other);
    expect(one).toContain('Name base_sha256 yourself');
    expect(looked).toEqual([]);
  });

  it('is refused with why where no edit may change anything', async () => {
    const { fill } = fillOf();
    const steps = [edit('1', { path: 'open.txt', text: '' }, { path: 'link.txt', text: '' })];
    const why = await refusalOf(fill.proposal(steps, as('admin')));
    expect(why).toBe('Change 2 of step 1 cannot be made. It is a link.');
  });
});

it.each(['admin', 'agent'] as const)('a base that is given stays, for %s', async (role) => {
  const { fill, looked } = fillOf();
  const steps = [
    edit('1', { path: 'closed.txt', base_sha256: sha256('old'), text: 'x' }),
    edit('2', { path: 'link.txt', base_sha256: null, text: 'x' }),
  ];
  expect(await fill.proposal(steps, as(role))).toEqual(steps);
  expect(looked).toEqual([]);
});

it('a program that is allowed gets its real path, and any other stays as it is written', async () => {
  const { fill } = fillOf();
  const of = (...argv: string[]): Step => ({ id: argv.join(), kind: 'command', argv });
  const gate: Step = { id: 'g', kind: 'gate' };
  const filled = await fill.proposal([of('tool', 'a'), gate, of('other')], as('agent'));
  expect(filled).toEqual([{ ...of('tool', 'a'), argv: ['/bin/tool', 'a'] }, gate, of('other')]);
});

describe('what one proposal has looked up', () => {
  const changes = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ path: `new/${n}.txt`, text: 'x' }));
  const look = async (steps: readonly Step[], more: Partial<FillPorts> = {}) => {
    const { fill, looked } = fillOf(more);
    const error: unknown = await fill.proposal(steps, as('agent')).catch((thrown) => thrown);
    return { error, looked };
  };

  it('is at most 1,000 files, and then none is looked at', async () => {
    const some = await look([edit('1', ...changes(1000))]);
    expect(some.looked).toHaveLength(1000);
    const { error, looked } = await look([edit('1', ...changes(500)), edit('2', ...changes(1001))]);
    expect(error).toMatchObject({ code: 'payload_too_large' });
    expect(looked).toEqual([]);
  });

  it('counts neither what names its base nor what an earlier step leaves', async () => {
    const based = changes(2000).map((change) => ({ ...change, base_sha256: null }));
    const { error, looked } = await look([edit('1', ...based), edit('2', ...changes(2000))]);
    expect(error).toBeInstanceOf(Array);
    expect(looked).toEqual([]);
  });

  it('holds at most 64 MiB, and one file', async () => {
    const seen: string[] = [];
    const large: FoundFile = { state: 'file', sha256: sha256('x'), bytes: 40 * 2 ** 20, text: '' };
    const workspace = {
      async look(path: string) {
        seen.push(path);
        return large;
      },
    };
    const { error } = await look([edit('1', ...changes(9))], { workspace });
    expect(error).toMatchObject({ code: 'payload_too_large' });
    expect(seen).toHaveLength(2);
  });

  it('is nothing at all if any of it is refused', async () => {
    const steps = [edit('1', ...changes(3), { path: 'closed.txt', text: 'x' })];
    const { error, looked } = await look(steps);
    expect(error).toMatchObject({ code: 'path_refused' });
    expect(looked).toEqual([]);
  });

  it('tells an agent nothing of what is no text', async () => {
    const binary: FoundFile = { state: 'file', sha256: sha256('x'), bytes: 1, text: null };
    const workspace = { look: async () => binary };
    const { error } = await look([edit('1', { path: 'open.bin', text: null })], { workspace });
    expect(String(error)).toContain('clients may not read');
  });
});

it('a long proposal lets others have their turn', async () => {
  const { fill } = fillOf();
  const many = Array.from({ length: 40_000 }, (_, n) => ({
    ...{ path: `${n}`, base_sha256: null, text: 'x'.repeat(20) },
  }));
  let turns = 0;
  let over = false;
  const count = () => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await fill.proposal([edit('1', ...many)], as('agent'));
  over = true;
  expect(turns).toBeGreaterThan(1);
});
