import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type DraftListItem,
  DraftListItem as DraftListItemSchema,
} from '../../../src/contract/operations.ts';
import { defaultConfig } from '../../../src/contract/records.ts';
import type { SecurityEvent } from '../../../src/contract/rows/security.ts';
import type { OutsideChange } from '../../../src/contract/rows/upkeep.ts';
import {
  coveredBy,
  repoPath,
  withoutPaths,
  withPaths,
} from '../../../src/editor/control/allowlist.ts';
import { auditText } from '../../../src/editor/control/auditText.ts';
import { sidesOf } from '../../../src/editor/control/changeText.ts';
import {
  argumentsIn,
  fields,
  numberProblem,
  valueWords,
} from '../../../src/editor/control/configFields.ts';
import { leftOf, nextEnd, untilRevoked } from '../../../src/editor/control/expiry.ts';
import type { Facts } from '../../../src/editor/control/facts.ts';
import type { ControlNode } from '../../../src/editor/control/node.ts';
import { controlRows } from '../../../src/editor/control/rows.ts';
import { createWaitingNews } from '../../../src/editor/control/waitingNews.ts';
import { verdictWords } from '../../../src/editor/control/words.ts';
import { corsOriginsOf } from '../../../src/editor/server/corsOrigins.ts';
import { dataDirectoryOf } from '../../../src/editor/server/dataDirectory.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const at = (ms: number) => new Date(now + ms).toISOString();
const minute = 60_000;

function facts(more: Partial<Facts> = {}): Facts {
  return {
    server: {
      ...{ url: 'http://127.0.0.1:9325', pid: 7, epoch: 3, dataDir: '/w/.orch_data' },
      ...{ attached: false, version: '0.1.0', started_at: at(-3 * minute) },
    },
    provider: { name: 'offline', entry: { type: 'offline', model: 'offline' } },
    security: { level: 'open', last: null },
    ...{ config: defaultConfig, allowed: [], changes: [], quarantined: [] },
    ...{ commandLine: false, hasApproved: false },
    ...more,
  };
}
const rows = (more: Partial<Facts> = {}) =>
  controlRows({ facts: facts(more), verdict: null, requests: 0 }, now);
const flat = (nodes: readonly ControlNode[]): ControlNode[] =>
  nodes.flatMap((node) => [node, ...flat(node.children ?? [])]);
const found = (key: string, more: Partial<Facts> = {}) =>
  flat(rows(more)).find((node) => node.key === key)?.row;
const event: SecurityEvent = {
  ts: at(-minute),
  type: 'lockdown',
  level: 'all',
  actor: 'editor:abc',
  correlation_id: 'c1',
  reason: 'wild',
};
const change: OutsideChange = {
  what: 'config',
  accepted: { b: 1, a: 2 },
  found: { a: 3, b: 1 },
  problem: null,
  notes: [],
  digest: 'abc',
};

describe('the rows of the control plane', () => {
  test('are quiet when nothing is special: no group that is empty, nothing in alarm', () => {
    const keys = rows().map(({ key }) => key);
    expect(keys).not.toContain('changes');
    expect(keys).not.toContain('quarantine');
    expect(keys.at(-1)).toBe('lockdown');
    expect(flat(rows()).map(({ row }) => row.icon.color)).not.toContain('list.errorForeground');
  });

  test('have ids that no two share, words to be read out, and flags', () => {
    const all = flat(
      rows({
        allowed: [{ path: 'src', type: 'dir', expires_at: untilRevoked }],
        changes: [change],
        quarantined: [{ file: 'drafts/d_1.json', reason: 'not JSON' }],
      }),
    );
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
    for (const { row } of all) {
      expect(row.spoken).not.toBe('');
      expect(row.tooltip).not.toBe('');
      expect(row.contextValue).toMatch(/;$/);
    }
  });

  test('put what needs a person first', () => {
    const keys = rows({ security: { level: 'all', last: event }, changes: [change] }).map(
      ({ key }) => key,
    );
    expect(keys.slice(0, 2)).toEqual(['lockdown', 'changes']);
    expect(found('lockdown', { security: { level: 'all', last: event } })?.tooltip).toMatch(/wild/);
  });

  test('tell of the server where it is, since when, and whose it is', () => {
    expect(found('server')?.description).toBe('127.0.0.1:9325 · up 3 min');
    expect(found('server')?.tooltip).toMatch(/epoch +3/);
    const attached = { ...facts().server, attached: true };
    expect(found('server', { server: attached })?.description).toMatch(/of another window/);
  });

  test('never hold what could act as Markdown or codicon of a path', () => {
    const path = '[click](command:evil) $(alert)';
    const row = found(`allowed:${path}`, {
      allowed: [{ path, type: 'file', expires_at: at(90 * minute) }],
    });
    expect(row?.description).toBe('1 h left');
    expect(row?.tooltip).toMatch(/```text\npath/);
  });

  test('name the four verdicts on the audit log, and alarm at two of them', () => {
    const verdicts = (['whole', 'modified', 'truncated', 'unwitnessed'] as const).map((verdict) =>
      verdictWords({ verdict, at: verdict === 'whole' ? null : 4 }),
    );
    expect(verdicts.map(({ alarming }) => alarming)).toEqual([false, true, true, false]);
    for (const { long } of verdicts.slice(1)) expect(long).toMatch(/\b4\b/);
  });
});

describe('what clients may read', () => {
  test('tells how long it holds', () => {
    expect(leftOf(at(59_000), now).short).toBe('< 1 min left');
    expect(leftOf(at(25 * 60 * minute), now).long).toBe('for 1 more day');
    expect(leftOf(untilRevoked, now).short).toBe('until revoked');
    expect(leftOf(at(-1), now).short).toBe('over');
  });

  test('is looked at again when the first entry ends, and never for one without an end', () => {
    const ends = [at(5000), at(1000), untilRevoked].map((expires_at) => ({ expires_at }));
    expect(nextEnd(ends, now)).toBe(1050);
    expect(nextEnd([{ expires_at: untilRevoked }], now)).toBeNull();
  });

  test('is changed without touching the rest', () => {
    const entries = [
      { path: 'a', expires_at: at(1) },
      { path: 'b', expires_at: at(2) },
    ];
    expect(
      withPaths(entries, ['b', 'c', 'c'], at(9)).map((one) => [one.path, one.expires_at]),
    ).toEqual([
      ['a', at(1)],
      ['b', at(9)],
      ['c', at(9)],
    ]);
    expect(withoutPaths(entries, ['a'])).toEqual([entries[1]]);
    expect(coveredBy([{ path: 'src', expires_at: '' }], 'src/x.ts')).toBe('src');
    expect(coveredBy([{ path: 'src', expires_at: '' }], 'srcs/x.ts')).toBeNull();
  });

  test('is named relative to the folder, and nothing outside of it is', () => {
    expect(repoPath('/w', '/w')).toBe('.');
    expect(repoPath('/w', '/w/a/b.ts')).toBe('a/b.ts');
    expect(repoPath('/w', '/w/..odd')).toBe('..odd');
    expect(repoPath('/w', '/wide/b.ts')).toBeNull();
  });
});

describe('the configuration in words', () => {
  test('covers every field, and takes what the contract takes', () => {
    expect(fields.map(({ name }) => name).sort()).toEqual(Object.keys(defaultConfig).sort());
    for (const field of fields) {
      expect(valueWords(field, defaultConfig)).not.toBe('');
      if (field.kind !== 'number') continue;
      expect(numberProblem(field, String(field.least))).toBeUndefined();
      expect(numberProblem(field, String(field.most))).toBeUndefined();
      for (const bad of [String(field.least - 1), String(field.most + 1), '1.5', '', 'x'])
        expect(numberProblem(field, bad)).toMatch(/whole number/);
    }
  });

  test('splits arguments as a person types them', () => {
    expect(argumentsIn('run  "a b" c\\d "say \\"hi\\""')).toEqual([
      'run',
      'a b',
      'c\\d',
      'say "hi"',
    ]);
  });
});

describe('texts', () => {
  test('of a change differ only where the change does, whatever the order of the names', () => {
    const { accepted, found: after } = sidesOf(change);
    expect(accepted.split('\n').filter((line) => !after.includes(line))).toEqual(['  "a": 2,']);
    expect(sidesOf({ ...change, found: null }).found).toMatch(/gone/);
  });

  test('of the audit show each entry on a line, and what is no entry as what it is', () => {
    const entry = {
      ...{ seq: 3, ts: at(0), actor: 'admin:1', operation: 'createDraft', outcome: 'done' },
      ...{ target: 'd_1\n2', correlation_id: 'c' },
    };
    const text = auditText([JSON.stringify(entry), 'rub\u202ebish']);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toMatch(/^ {6}3 {2}2026.*done +createDraft +admin:1.*d_1\\u\{000A\}2 {2}\(c\)\n/);
    expect(text).toMatch(/not an entry: rub\\u\{202E\}bish/);
  });
});

describe('news of what waits', () => {
  const draft = (id: string, created_by = 'agent:1'): DraftListItem => ({
    ...DraftListItemSchema.parse({ id, prompt: `Do ${id}`, status: 'draft', created_at: at(0) }),
    created_by,
  });

  test('are what was not there before, once, and not what the person made', () => {
    const news = createWaitingNews();
    expect(news.take({ drafts: [draft('old')], runs: null })).toEqual([]);
    const lists = { drafts: [draft('old'), draft('new'), draft('mine', 'editor:2')], runs: null };
    expect(news.take(lists).map(({ key }) => key)).toEqual(['new']);
    expect(news.take(lists)).toEqual([]);
    expect(news.all).toHaveLength(3);
    news.forget();
    expect(news.take(lists)).toEqual([]);
  });
});

describe('settings', () => {
  test('gimo.corsOrigins is a list of origins, and never every page', () => {
    expect(corsOriginsOf(undefined)).toEqual([]);
    expect(corsOriginsOf(['https://a.example/', ' http://localhost:5173 '])).toEqual([
      ...['https://a.example', 'http://localhost:5173'],
    ]);
    for (const bad of [['*'], ['https://a.example/path'], [7], 'ftp://x'])
      expect(() => corsOriginsOf(bad)).toThrow(/gimo\.corsOrigins/);
  });

  test('gimo.dataDirectory is a folder outside, with one for each folder that is served', async () => {
    const home = realpathSync(mkdtempSync(path.join(tmpdir(), 'gimo-data-')));
    try {
      const [root, other, base] = ['root', 'other/root', 'base'].map((name) =>
        path.join(home, name),
      );
      for (const dir of [root, other, base]) mkdirSync(dir ?? '', { recursive: true });
      const of = (setting: unknown, folder = root ?? '') => dataDirectoryOf(setting, folder);
      expect(await of(null)).toBe(path.join(root ?? '', '.orch_data'));
      const moved = await of(base);
      expect(moved.startsWith(path.join(base ?? '', 'root-'))).toBe(true);
      expect(path.basename(moved)).toBe('.orch_data');
      expect(await of(base, other)).not.toBe(moved);
      await expect(of('relative')).rejects.toThrow(/whole path/);
      await expect(of(path.join(home, 'missing'))).rejects.toThrow(/not there/);
      await expect(of(root)).rejects.toThrow(/agents can write/);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
