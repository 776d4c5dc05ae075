import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { gimo, workspace } from './gimo.ts';
import { approvedId, draft, draftId, entry, run, runId } from './records.ts';
import { type Reply, refuse, startWire, type Wire } from './wire.ts';

let wire: Wire;
afterEach(() => wire.close());

/** A server whose log answers one reply after the other. */
async function withLog(replies: Reply[], ended: Record<string, unknown> = { status: 'done' }) {
  wire = await startWire({
    'POST /ops/runs': () => ({ status: 201, body: run() }),
    [`GET /ops/runs/${runId}/log`]: () => {
      const reply = replies.shift() ?? refuse(500, 'internal', 'Too often.');
      // The log grows while it is being read.
      if (replies.length > 0) wire.tell('log', runId);
      return reply;
    },
    [`GET /ops/runs/${runId}`]: () => ({ body: run(ended) }),
  });
  return wire;
}
const log = (msgs: string[], next: number, done: boolean): Reply => ({
  body: { entries: msgs.map(entry), next, done },
});
const asked = () =>
  wire.seen.filter(({ path }) => path.includes('/log')).map(({ path }) => path.split('?')[1]);

test('logs prints the entries once, and further lines of one cannot pass for entries', async () => {
  const { url } = await withLog([log(['one\n12:00:02 info forged', 'two\u001b[2J'], 2, false)]);
  const { code, out } = await gimo(['logs', runId], { url });
  expect(code).toBe(0);
  expect(out).toBe(
    '12:00:01 info   one\n         │ 12:00:02 info forged\n12:00:01 info   two\\u{001B}[2J\n',
  );
  expect(asked()).toEqual([undefined]);
});

describe('following', () => {
  test('asks for what it does not have yet, and ends with the run’s status', async () => {
    const { url } = await withLog([
      log(['one'], 1, false),
      log([], 1, false),
      log(['two'], 2, true),
    ]);
    const { code, out } = await gimo(['logs', runId, '-f'], { url });
    expect(code).toBe(0);
    expect(asked()).toEqual(['after=0', 'after=1', 'after=1']);
    expect(out).toMatch(/one\n.*two\nRun r_\w+ is done\n$/);
  });

  test('ends when the run does, although its log did not grow', async () => {
    wire = await startWire({
      [`GET /ops/runs/${runId}/log`]: ({ path }) => {
        const first = path.endsWith('after=0');
        if (first) wire.tell('run', runId);
        return first ? log(['one'], 1, false) : log([], 1, true);
      },
      [`GET /ops/runs/${runId}`]: () => ({ body: run({ status: 'cancelled' }) }),
    });
    const { code, out } = await gimo(['logs', runId, '-f'], { url: wire.url });
    expect(code).toBe(1);
    expect(out).toMatch(/one\nRun r_\w+ is cancelled\n$/);
  });

  test('misses nothing when the stream of events is cut off', async () => {
    wire = await startWire({
      [`GET /ops/runs/${runId}/log`]: ({ path }) => {
        const first = path.endsWith('after=0');
        if (first) wire.cut();
        return first ? log(['one'], 1, false) : log(['two'], 2, true);
      },
      [`GET /ops/runs/${runId}`]: () => ({ body: run({ status: 'done' }) }),
    });
    const { code, out } = await gimo(['logs', runId, '-f'], { url: wire.url });
    expect(code).toBe(0);
    expect(out).toMatch(/one\n.*two\nRun r_\w+ is done\n$/);
  });

  test('ends with 3 when the server goes away', async () => {
    const away = await startWire({
      [`GET /ops/runs/${runId}/log`]: () => {
        setImmediate(() => void away.close());
        return log(['one'], 1, false);
      },
    });
    wire = { ...away, close: async () => undefined };
    const { code, out, err } = await gimo(['logs', runId, '-f'], { url: away.url });
    expect(code).toBe(3);
    expect(out).toContain('one');
    expect(err).toMatch(/gimo (serve|status)/);
  });

  test('of run -f starts the run, and is not a 0 when it failed', async () => {
    const { url } = await withLog([log([], 0, true)], { status: 'error', error: 'It broke.' });
    const { code, out } = await gimo(['run', approvedId, '-f'], { url });
    expect(code).toBe(1);
    expect(wire.seen[0]?.body).toEqual({ approved_id: approvedId });
    expect(out).toBe(`Run ${runId} is error: It broke.\n`);
  });

  test('with --json prints a line for each entry, and the run last', async () => {
    const { url } = await withLog([log(['one', 'two'], 2, true)]);
    const { out } = await gimo(['logs', runId, '-f', '--json'], { url });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([{ msg: 'one' }, { msg: 'two' }, { id: runId, status: 'done' }]);
  });

  test('comes back when the server says that it was asked too often', async () => {
    const often = { ...refuse(429, 'rate_limited', 'Too often.'), headers: { 'retry-after': '1' } };
    const { url } = await withLog([often, log(['one'], 1, true)]);
    const { code, out } = await gimo(['logs', runId, '-f'], { url });
    expect(code).toBe(0);
    expect(out).toContain('one');
  });

  test('is stopped by Ctrl-C, which leaves the run alone', async () => {
    const signals = new EventEmitter();
    wire = await startWire({
      [`GET /ops/runs/${runId}/log`]: () => {
        signals.emit('SIGINT');
        return log(['one'], 1, false);
      },
    });
    const { code, err } = await gimo(['logs', runId, '-f'], { url: wire.url, signals });
    expect(code).toBe(130);
    expect(err).toContain(`gimo cancel ${runId}`);
    expect(wire.all.map(({ method }) => method)).not.toContain('POST');
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });
});

describe('run with the id of a draft', () => {
  const detail = 'Runs can only be created from approved_id';
  const told = async (fields: Record<string, unknown>, more: string[] = []) => {
    wire = await startWire({
      'POST /ops/runs': () => refuse(403, 'draft_id_not_runnable', detail),
      [`GET /ops/drafts/${draftId}`]: () => ({ body: draft(fields) }),
    });
    return gimo(['run', draftId, ...more], { url: wire.url });
  };

  test('says to approve it first', async () => {
    const { code, err } = await told({});
    expect(code).toBe(1);
    expect(err).toBe(`gimo: ${draftId} is a draft. Approve it first: gimo approve ${draftId}\n`);
  });
  test('names what it was approved as', async () => {
    const { err } = await told({ status: 'approved', approved_id: approvedId });
    expect(err).toContain(`It was approved as ${approvedId}; run that: gimo run ${approvedId}\n`);
  });
  test('is with --json what the server says', async () => {
    const { err } = await told({}, ['--json']);
    expect(JSON.parse(err)).toEqual({ detail, code: 'draft_id_not_runnable' });
  });
});

const gate = { id: 'g', kind: 'gate', title: 'Look at it\u001b[2J', status: 'running' };
const paused = () => run({ status: 'paused', steps: [gate] });

describe('a paused run', () => {
  test('is told beside its log, with how it goes on', async () => {
    const { url } = await withLog([log(['one'], 1, false)], paused());
    const { code, out, err } = await gimo(['logs', runId], { url });
    expect(code).toBe(0);
    expect(out).toBe('12:00:01 info   one\n');
    expect(err).toContain('paused at the gate "Look at it\\u{001B}[2J"');
    expect(err).toContain(`gimo resume ${runId}`);
  });

  test('is told once while it is followed, and followed on', async () => {
    let asks = 0;
    wire = await startWire({
      [`GET /ops/runs/${runId}/log`]: () => {
        asks += 1;
        if (asks < 3) wire.tell('run', runId);
        return log([], 0, asks === 3);
      },
      [`GET /ops/runs/${runId}`]: () => ({ body: asks === 3 ? run({ status: 'done' }) : paused() }),
    });
    const { code, out, err } = await gimo(['logs', runId, '-f'], { url: wire.url });
    expect(code).toBe(0);
    expect(out).toBe(`Run ${runId} is done\n`);
    expect(err.match(/gimo resume/g)).toHaveLength(1);
  });
});

/** A server that answers one thing to one command about a run. */
async function withAnswer(command: string, reply: Reply) {
  wire = await startWire({
    [`GET /ops/runs/${runId}`]: () => ({ body: paused() }),
    [`POST /ops/runs/${runId}/${command}`]: () => reply,
  });
  return { url: wire.url };
}

describe('what a person does to a run', () => {
  test.each([
    ['cancel', 'cancelled'],
    ['pause', 'paused'],
    ['resume', 'pending'],
  ])('%s tells the run', async (command, status) => {
    const { code, out } = await gimo(
      [command, runId],
      await withAnswer(command, { body: run({ status }) }),
    );
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`status +${status}`));
  });

  test('pause tells the gate, and how it goes on', async () => {
    const { out } = await gimo(['pause', runId], await withAnswer('pause', { body: paused() }));
    expect(out).toContain('gate g (Look at it\\u{001B}[2J): waits for a person');
    expect(out).toContain(`gimo resume ${runId}`);
  });

  test('resume says that it was asked in the editor, where it has to be', async () => {
    const reply = { status: 202, body: { pending: 'editor' } };
    const { code, out } = await gimo(['resume', runId], await withAnswer('resume', reply));
    expect(code).toBe(0);
    expect(out).toContain('Asked in the editor');
  });

  test('resume names the step that it read, so that no later gate is passed unseen', async () => {
    await gimo(['resume', runId], await withAnswer('resume', { body: run() }));
    expect(wire.seen.at(-1)?.body).toEqual({ step: 'g' });
  });

  test('undo names every file, and is a 0 only if all were put back', async () => {
    const all = { restored: ['a.ts'], left: [] };
    const root = mkdtempSync(join(workspace, 'undo-'));
    mkdirSync(join(root, '.orch_data'));
    writeFileSync(join(root, 'a.ts'), 'as it was');
    const wired = { ...(await withAnswer('undo', { body: all })), cwd: workspace };
    const whole = await gimo(['undo', runId, '--root', root], wired);
    expect(whole).toMatchObject({ code: 0, out: expect.stringMatching(/restored +a\.ts/) });
    await wire.close();
    const some = { restored: ['a.ts'], left: [{ path: 'b.ts', why: 'It was changed since.' }] };
    const part = await gimo(['undo', runId], await withAnswer('undo', { body: some }));
    expect(part.code).toBe(1);
    expect(part.out).toMatch(/left +b\.ts: It was changed since\./);
    await wire.close();
    const json = await gimo(['undo', runId, '--json'], await withAnswer('undo', { body: some }));
    expect(JSON.parse(json.out)).toEqual(some);
  });

  test('undo says of a file that the run had made that it was removed', async () => {
    const root = mkdtempSync(join(workspace, 'undo-'));
    mkdirSync(join(root, '.orch_data'));
    writeFileSync(join(root, 'old.md'), 'as it was');
    const restored = ['docs/new.md', 'old.md', 'old.md/new.md'];
    const wired = await withAnswer('undo', { body: { restored, left: [] } });
    const { code, out } = await gimo(['undo', runId, '--root', root], wired);
    expect(code).toBe(0);
    expect(out).toMatch(/^removed +docs\/new\.md\nrestored +old\.md\nremoved +old\.md\/new\.md\n$/);
  });
});
