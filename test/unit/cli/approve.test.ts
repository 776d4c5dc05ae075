import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../../src/contract/records.ts';
import { gimo, type Options } from './gimo.ts';
import { approved, approvedId, digest, draft, draftId, run, runId, status } from './records.ts';
import { type Reply, refuse, startWire, type Wire } from './wire.ts';

let wire: Wire;
let found: Reply;
let answered: Reply;
let reviewed: Reply;
let autoRun: boolean;
beforeEach(async () => {
  found = { body: draft() };
  answered = { body: { approved: approved(), run: null } };
  reviewed = { body: { digest, warnings: [] } };
  autoRun = false;
  wire = await startWire({
    'GET /status': () => ({ body: status }),
    [`GET /ops/drafts/${draftId}`]: () => found,
    [`GET /ops/drafts/${draftId}/review`]: () => reviewed,
    'GET /ops/config': () => ({ body: { ...defaultConfig, default_auto_run: autoRun } }),
    [`POST /ops/drafts/${draftId}/approve`]: () => answered,
  });
});
afterEach(() => wire.close());

const approve = (args: string[], options: Options = {}) =>
  gimo(['approve', draftId, ...args], { url: wire.url, ...options });
const sent = () => wire.seen.filter(({ method }) => method === 'POST').map(({ body }) => body);

test('sends the digest of what it showed, after a yes on the terminal', async () => {
  const { code, out, err } = await approve([], {
    columns: 100,
    stdin: 'yes\n',
    env: { NO_COLOR: '1' },
  });
  expect(code).toBe(0);
  expect(sent()).toEqual([{ digest }]);
  for (const told of [
    draftId,
    'admin:0123456789ab (api)',
    'local_ollama',
    '│ Raise the timeout',
    '│ line one\n  │ line two',
    '│   "ticket": 7',
    'sent to the provider',
    digest,
    `Approved ${draftId} as ${approvedId}.`,
  ])
    expect(out).toContain(told);
  expect(err).toContain('Approve exactly this? Type yes');
});

test('tells which provider will be asked, as the digest names it, and only if one is', async () => {
  const asked = await approve(['--yes']);
  expect(asked.out).toMatch(
    /will ask +local_ollama \(openai_compat, qwen2.5-coder:7b\) at http:\/\/localhost:11434\n/,
  );
  found = { body: draft({ provider_resolved: null, steps: [{ id: 's1', kind: 'gate' }] }) };
  expect((await approve(['--yes'])).out).not.toContain('will ask');
});

test('shows the whole of a long content', async () => {
  const content = Array.from({ length: 3_000 }, (_, at) => `line ${at}`).join('\n');
  found = { body: draft({ content }) };
  const { out } = await approve(['--yes']);
  for (const line of content.split('\n')) expect(out).toContain(`│ ${line}\n`);
});

test('shows the steps with their whole command line and text', async () => {
  found = {
    body: draft({
      steps: [
        { id: 's1', kind: 'command', argv: ['rm', '-rf', 'a b'], cwd: 'src', timeout_s: 5 },
        {
          id: 's2',
          kind: 'edit',
          changes: [
            { path: 'a.txt', base_sha256: null, text: 'new\ntext' },
            { path: 'b.txt', base_sha256: 'c'.repeat(64), text: null },
          ],
        },
        { id: 's3', kind: 'gate', title: 'Look at it' },
      ],
    }),
  };
  const { out } = await approve(['--yes']);
  for (const told of ['"rm"', '"-rf"', '"a b"', '"src"', '5 s', '"a.txt"', '│ new\n  │ text'])
    expect(out).toContain(told);
  expect(out).toMatch(/delete +"b\.txt"/);
  expect(out).toContain('gate s3: Look at it');
});

test('tells what the server warns of before it asks', async () => {
  const message = 'The file was changed.\u001b[2J';
  const warnings = [
    { code: 'base_changed', step: 's2', path: 'src/a.ts', message },
    { code: 'secret', step: null, path: null, message: 'It looks like a key.' },
  ];
  reviewed = { body: { digest, warnings } };
  const { out } = await approve([], { columns: 100, stdin: 'no\n', env: { NO_COLOR: '1' } });
  expect(out).toMatch(/warning +step s2, src\/a\.ts: The file was changed\.\\u\{001B\}\[2J\n/);
  expect(out).toMatch(/warning +It looks like a key\.\n/);
});

test('says that it runs at once where the configuration says so', async () => {
  expect((await approve(['--yes'])).out).not.toContain('default_auto_run');
  autoRun = true;
  expect((await approve(['--yes'])).out).toMatch(/then +it runs at once: default_auto_run/);
  expect((await approve(['--yes', '--run'])).out).not.toContain('default_auto_run');
});

describe('approves nothing', () => {
  test('when it was changed between the look at it and the look at the workspace', async () => {
    reviewed = { body: { digest: 'cd'.repeat(32), warnings: [] } };
    const { code, err } = await approve(['--yes']);
    expect([code, sent()]).toEqual([1, []]);
    expect(err).toContain('changed meanwhile');
  });

  for (const typed of ['no\n', 'y\n', 'YES\n', '\n', ''])
    test(`when ${JSON.stringify(typed)} is typed`, async () => {
      const { code, err } = await approve([], { columns: 100, stdin: typed });
      expect([code, sent()]).toEqual([1, []]);
      expect(err).toContain('Nothing was approved.');
    });

  test('without a terminal, --yes and --digest: a usage error before anything is asked', async () => {
    const { code, err } = await approve([], { stdin: 'yes\n' });
    expect([code, wire.all]).toEqual([2, []]);
    expect(err).toContain('--yes');
  });

  test('when the draft changed meanwhile, and says so', async () => {
    answered = refuse(412, 'stale', 'The digest does not match.');
    const { code, err } = await approve(['--yes']);
    expect(code).toBe(1);
    expect(err).toContain(`${draftId} changed meanwhile; nothing was approved.`);
  });

  test('when the digest that was given is not the draft’s, and sends nothing', async () => {
    const { code, err } = await approve(['--digest', 'cd'.repeat(32)]);
    expect([code, sent()]).toEqual([1, []]);
    expect(err).toContain('nothing was approved');
  });

  test('when the draft is final or has no digest', async () => {
    for (const fields of [{ status: 'rejected' }, { status: 'error' }, { digest: null }]) {
      found = { body: draft(fields) };
      expect([(await approve(['--yes'])).code, sent()]).toEqual([1, []]);
    }
  });
});

test.each(['y\n', 'YES\n', '"yes"\n'])('%j is told that a yes is typed in full', async (typed) => {
  const { err } = await approve([], { columns: 100, stdin: typed, env: { NO_COLOR: '1' } });
  expect(err).toContain('Nothing was approved. A yes has to be typed in full: yes\n');
});

test('a plain no is told nothing more', async () => {
  const { err } = await approve([], { columns: 100, stdin: 'no\n', env: { NO_COLOR: '1' } });
  expect(err).toMatch(/gimo: Nothing was approved\.\n$/);
});

test('without a terminal, --digest is enough', async () => {
  expect((await approve(['--digest', digest])).code).toBe(0);
  expect(sent()).toEqual([{ digest }]);
});

test('with --run it asks for a run, and tells it', async () => {
  answered = { body: { approved: approved(), run: run() } };
  const { code, out } = await approve(['--run', '--yes']);
  expect([code, sent()]).toEqual([0, [{ digest, auto_run: true }]]);
  expect(out).toContain(`Run ${runId} is pending.`);
});

test('a run that could not be made is told, and is not a 0', async () => {
  answered = { body: { approved: approved(), run: null, run_error: 'The lockdown holds.' } };
  const { code, out, err } = await approve(['--run', '--yes']);
  expect(code).toBe(1);
  expect(out).toContain(`Approved ${draftId}`);
  expect(err).toContain('The lockdown holds.');
});

test('where the editor is asked it says so, and that is a 0 with nothing approved', async () => {
  answered = { status: 202, body: { pending: 'editor' } };
  const { code, out } = await approve(['--yes', '--run']);
  expect(code).toBe(0);
  expect(out).toContain(
    `Asked in the editor; nothing is approved yet. Watch it with: gimo draft show ${draftId}\n`,
  );
  expect(out).not.toContain('Approved d_');
  const json = await approve(['--yes', '--json']);
  expect([json.code, JSON.parse(json.out)]).toEqual([0, { pending: 'editor' }]);
});

test('with --json the answer alone is on the standard output, and what is asked beside it', async () => {
  const { code, out, err } = await approve(['--json'], { columns: 100, stdin: 'yes\n' });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ approved: { id: approvedId }, run: null });
  expect(err).toContain('line two');
});

test('a draft that tries to repaint the terminal is shown spelled out, and counted', async () => {
  found = { body: draft({ content: 'safe\u001b[2K\u001b[1A\u202e rm' }) };
  const { out } = await approve(['--yes']);
  expect(out).toContain('│ safe\\u{001B}[2K\\u{001B}[1A\\u{202E} rm');
  expect(out).toMatch(/unseen +3 characters, spelled out/);
  expect(out).not.toContain('\u001b');
});
