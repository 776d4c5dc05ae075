import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpId, opIds, table } from '../../../src/contract/operations.ts';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';
import { commit, git, writeFiles } from '../repository/support.ts';
import { lockOf, resolve } from '../security/support.ts';
import { approve, newDraft } from '../wire/support.ts';
import { type Good, hostileTo, hostileToAnything } from './requests.ts';
import { type Hostile, sendRaw, wrongWith } from './wire.ts';

/* Whatever anybody sends: never a 5xx, never a lockdown, and every answer in the one shape that errors have. */

const seed = Number(process.env.GIMO_HOSTILE_SEED ?? 20_261_123);
/** Stands in files that nobody may read, inside and outside of the workspace. */
const mark = 'MARKED-SECRET-NOBODY-READS';
const callers = ['none', 'retired', 'actions', 'agent', 'operator', 'admin'] as const;
type Caller = (typeof callers)[number];

let sent = 0;
const statuses = new Map<number, number>();
/** A 5xx of any kind, 503 included. */
const serverErrors = () =>
  [...statuses].reduce((sum, [status, times]) => sum + (status >= 500 ? times : 0), 0);
afterAll(() => {
  const seen = [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, times]) => `${status}: ${times}`);
  console.info(
    `${sent} hostile requests (seed ${seed}), ${serverErrors()} answers 5xx; ${seen.join(', ')}`,
  );
});

interface Target {
  server: TestServer;
  good: Good;
  /** A token that was valid once: it is refused, and does not count toward a lockdown. */
  retired: string;
}

/** A server with a repository and a record of each kind. */
async function makeTarget(options: StartOptions = {}): Promise<Target> {
  const server = await startServer({
    ...options,
    env: { ORCH_ALLOWLIST_REQUIRE: 'false', ...options.env },
  });
  const { root, dir } = server;
  await git(root, 'init', '--quiet', '--initial-branch', 'main');
  await writeFiles(root, { 'a.txt': 'a needle\n', 'src/b.txt': 'b\n' });
  await commit(root, 'first');
  await writeFiles(root, { '.env': mark, id_rsa: mark });
  await writeFile(join(dir, 'outside.txt'), mark);
  const retired = server.host.token('agent');
  await server.request('POST', '/ops/tokens/agent/rotate', { role: 'admin' });
  const approved = await approve(server, (await newDraft(server)).id);
  const run = await server.request('POST', '/ops/runs', {
    ...{ role: 'operator', body: { approved_id: approved.id } },
  });
  const good = {
    ...{ draft_id: (await newDraft(server)).id, approved_id: approved.id },
    ...{ run_id: String(Object(run.body).id), prompt: 'x', what: 'config', role: 'nobody' },
    ...{ path: 'a.txt', q: 'needle', base: 'main', head: 'HEAD', action: 'clear_panic' },
    ...{ active: 'offline', view: 'summary', plan_task_id: 't', reason: 'no' },
  };
  return { server, good, retired };
}

function authorizationOf({ server, retired }: Target, caller: Caller): string | null {
  if (caller === 'none') return null;
  return `Bearer ${caller === 'retired' ? retired : server.host.token(caller)}`;
}

/** Sends it as each of these callers, and checks each answer. */
async function attack(target: Target, who: readonly Caller[], asked: Hostile): Promise<number[]> {
  const { port } = target.server.host;
  const replies = await Promise.all(
    who.map(async (caller) => {
      const reply = await sendRaw(port, authorizationOf(target, caller), asked);
      sent += 1;
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      expect(wrongWith(reply, asked), `as ${caller}: ${reply.raw.slice(0, 400)}`).toBeNull();
      expect(reply.raw).not.toContain(mark);
      return reply.status;
    }),
  );
  return replies;
}

/** Afterwards: not locked, nothing in the log that nobody expected, and a sane request works. */
async function expectSane({ server }: Target): Promise<void> {
  expect(await lockOf(server)).toEqual({ panic_mode: false, level: 'open' });
  expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  const draft = await newDraft(server);
  const read = await server.request('GET', `/ops/drafts/${draft.id}`, { role: 'actions' });
  expect(read.status).toBe(200);
}

/** What ends the server, locks it or exchanges its tokens. */
const drastic: readonly OpId[] = ['restartService', 'stopService', 'rotateToken', 'lockDown'];
const may = (id: OpId): readonly Caller[] =>
  table[id].role === 'operator' ? ['operator', 'admin'] : ['admin'];
const runs = (numRuns: number) => ({ seed, numRuns, endOnFailure: false });

describe('whatever is sent, whoever sends it', () => {
  let target: Target;
  beforeAll(async () => {
    target = await makeTarget({ keep: true });
    return target.server.dispose;
  });

  it.each(opIds)('%s answers without a 5xx', async (id) => {
    const who = drastic.includes(id) ? callers.filter((one) => !may(id).includes(one)) : callers;
    const asked = hostileTo(id, target.good);
    const property = fc.asyncProperty(asked, async (one) => void (await attack(target, who, one)));
    await fc.assert(property, runs(36));
  });

  it('the raw routes and addresses where nothing is answer without a 5xx', async () => {
    const property = fc.asyncProperty(
      ...([hostileToAnything] as const),
      async (one) => void (await attack(target, callers, one)),
    );
    await fc.assert(property, runs(200));
  });

  it('and afterwards the server is as it was', () => expectSane(target));
});

it('a read-only token causes neither a 5xx nor a lockdown', async () => {
  const target = await makeTarget();
  const any = fc.oneof(...opIds.map((id) => hostileTo(id, target.good)), hostileToAnything);
  const batch = fc.array(any, { minLength: 4, maxLength: 4 });
  const property = fc.asyncProperty(batch, async (asked) => {
    await Promise.all(asked.map((one) => attack(target, ['actions'], one)));
  });
  await fc.assert(property, runs(200));
  await expectSane(target);
});

describe('operations that end, lock or change the server, on one of its own', () => {
  it.each(drastic)('%s', async (id) => {
    let stopped: (() => void) | undefined;
    let target = await makeTarget({ onStopped: () => stopped?.() });
    const asked = hostileTo(id, { ...target.good, role: 'actions' });
    const property = fc.asyncProperty(asked, async (one) => {
      for (const caller of may(id)) {
        const { server } = target;
        const over = new Promise<void>((done) => {
          stopped = done;
          const end = server.host.onChange(({ type, rev }) => {
            if (id !== 'restartService' || type !== 'server' || rev !== 0) return;
            end();
            done();
          });
        });
        const [status] = await attack(target, [caller], one);
        if (status !== 200) continue;
        if (id === 'lockDown') expect((await resolve(server)).status).toBe(200);
        if (id === 'restartService' || id === 'stopService') await over;
        if (id === 'stopService') target = { ...target, server: await server.restart() };
      }
    });
    await fc.assert(property, runs(20));
    await expectSane(target);
  });
});

it('tokens that nobody ever had turn away strangers, and nobody else', async () => {
  const target = await makeTarget();
  const { server, good } = target;
  const any = fc.oneof(...opIds.map((id) => hostileTo(id, good)), hostileToAnything);
  const guess = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 60 });
  const seen = new Set<number>();
  const property = fc.asyncProperty(any, guess, async (asked, token) => {
    const said = `Bearer ${token.replaceAll(/[^!-~]/g, 'x')}`;
    const reply = await sendRaw(server.host.port, said, asked);
    sent += 1;
    seen.add(reply.status);
    if (reply.status !== 503) expect(wrongWith(reply, asked)).toBeNull();
    else if (asked.method !== 'HEAD') expect(reply.body).toMatch(/"code":"lockdown"/);
  });
  await fc.assert(property, runs(100));
  expect(seen).toContain(503);
  expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'strangers' });
  expect((await resolve(server)).status).toBe(200);
  await expectSane(target);
});
