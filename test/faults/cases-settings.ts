import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Args, type OpId, table } from '../../src/contract/operations.ts';
import type { Attempt, Case, Seen, World } from './cases.ts';
import type { FaultyServer } from './server.ts';
import type { View } from './view.ts';

type Setting = keyof View['settings'];

interface Before {
  before?: (world: World) => Promise<unknown>;
  /** What else changes with it. */
  also?: Setting[];
  more?: (seen: Seen) => string[];
}

/** A call that sets one thing: after the restart it is as it was, or as it was told. */
const sets = <K extends OpId>(
  name: string,
  op: K,
  args: (world: World) => Args[K],
  what: Setting,
  /** Tells whether it is as it was told. */
  isSet: (now: unknown, n: number) => boolean,
  rest: Pick<Case, 'env'> & Before = {},
): Case => ({
  name,
  op,
  ...rest,
  async attempt(world): Promise<Attempt> {
    await rest.before?.(world);
    const { n } = world;
    const given = args(world);
    return {
      act: (server) => server.client.call(op, given),
      touches: [what, ...(rest.also ?? [])],
      faults: (seen) => [
        ...oldOrNew(seen, what, (now) => isSet(now, n)),
        ...(rest.more?.(seen) ?? []),
      ],
    };
  },
});

function oldOrNew({ before, after, reply }: Seen, what: Setting, isSet: (now: unknown) => boolean) {
  const [was, now] = [before.settings[what], after.settings[what]];
  if (isSet(now)) return [];
  const same = JSON.stringify(was) === JSON.stringify(now);
  if (same && reply === null) return [];
  return [`the ${what} is ${JSON.stringify(now)}`];
}

/** Once it is in force, nothing waits for a person any more. */
function acceptedWhole({ before, after }: Seen): string[] {
  const inForce = JSON.stringify(before.settings.config) !== JSON.stringify(after.settings.config);
  const waiting = JSON.stringify(after.settings.changes);
  const as = inForce ? '[]' : JSON.stringify(before.settings.changes);
  return waiting === as ? [] : [`accepted: ${inForce}, and the changes are ${waiting}`];
}

const holds = (now: unknown, text: string) => JSON.stringify(now).includes(text);

/** Changes config.json by hand, and waits until the server tells so. */
const byHand = async ({ place, client, n }: World) => {
  const config = await client.call('getConfig', {});
  const text = JSON.stringify({ ...config, run_timeout_s: 1000 + n });
  await writeFile(join(place.dataDir, 'ops', 'config.json'), text);
};

const works = async ({ url }: FaultyServer, token: string) => {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(new URL('/ops/drafts', url), { headers })).ok;
};

const rotates = (role: 'operator' | 'admin'): Case => ({
  name: `give ${role} a new token`,
  op: 'rotateToken',
  // With the admin's token changed, this one can ask nothing any more.
  over: async () => undefined,
  async attempt({ server, client }): Promise<Attempt> {
    const old =
      role === 'admin' ? server.token : (await client.call('rotateToken', { role })).token;
    const call = (now: FaultyServer) => now.client.call('rotateToken', { role });
    return {
      act: call,
      touches: [],
      async faults({ reply, server: now }) {
        if (reply === null) return []; // the one or the other: with the admin's, we are looking at it just now
        const { token } = table.rotateToken.output.parse(reply);
        const faults = (await works(now, old)) ? ['the old token still works'] : [];
        return (await works(now, token)) ? faults : [...faults, 'the new token does not work'];
      },
    };
  },
});

const onRepo = (
  name: string,
  op: 'openRepo' | 'selectRepo' | 'vitaminizeRepo',
  path: string,
): Case => ({
  name,
  op,
  env: ({ root }) => ({ ORCH_REPO_ROOT: root }),
  async attempt({ place, n }): Promise<Attempt> {
    const repo = path === '' ? place.root : join(place.root, `${path}-${n}`);
    await mkdir(repo, { recursive: true });
    const made = ['.gitignore', 'ops/allowlist.json'].map((file) => join(repo, '.orch_data', file));
    return {
      act: (server) => server.client.call(op, { path: repo }),
      touches: [],
      async faults({ reply, server: now }) {
        if (op !== 'vitaminizeRepo') return [];
        if (reply === null) await now.client.call(op, { path: repo });
        const faults: string[] = [];
        for (const file of made) {
          const text = await readFile(file, 'utf8');
          if (text === '') faults.push(`${file} is empty, and stays so`);
        }
        return faults;
      },
    };
  },
});

export const settingCases: Case[] = [
  sets(
    'set the plan',
    'setPlan',
    ({ n }) => ({
      ...{ id: `plan-${n}`, title: 'A plan', workspace: '.', created: '2026-01-01T00:00:00Z' },
      ...{ objective: 'x'.repeat(300), tasks: [], constraints: [] },
    }),
    'plan',
    (now, n) => holds(now, `"plan-${n}"`),
  ),
  sets(
    'set the configuration',
    'setConfig',
    ({ n }) => ({ run_timeout_s: 1000 + n }),
    'config',
    (now, n) => holds(now, `"run_timeout_s":${1000 + n}`),
  ),
  sets(
    'set the providers',
    'setProvider',
    ({ n }) => ({
      active: 'offline',
      providers: {
        offline: { type: 'offline', model: 'offline' },
        mine: {
          ...{ type: 'openai_compat', base_url: 'http://127.0.0.1:9/v1', model: `m-${n}` },
          api_key: `a-key-that-nobody-may-see-${n}`,
        },
      },
    }),
    'provider',
    (now, n) => holds(now, `"m-${n}"`),
  ),
  sets(
    'set what may be read',
    'setAllowlist',
    ({ n }) => ({ paths: [{ path: `read-${n}.txt`, expires_at: null }] }),
    'allowlist',
    (now, n) => holds(now, `read-${n}.txt`),
    { before: ({ place, n }) => writeFile(join(place.root, `read-${n}.txt`), 'text\n') },
  ),
  sets(
    'accept a change',
    'acceptChange',
    () => ({ what: 'config' }),
    'config',
    (now, n) => holds(now, `"run_timeout_s":${1000 + n}`),
    { before: byHand, also: ['changes'], more: acceptedWhole },
  ),
  sets(
    'restore what was accepted',
    'restoreChange',
    () => ({ what: 'config' }),
    'changes',
    (now) => holds(now, '[]'),
    { before: byHand },
  ),
  sets(
    'lock down',
    'lockDown',
    () => ({ reason: 'to be sure' }),
    'security',
    (now) => now === 'all',
    { before: ({ client }) => client.call('resolveSecurity', { action: 'clear_panic' }) },
  ),
  sets(
    'resolve a lockdown',
    'resolveSecurity',
    () => ({ action: 'clear_panic' }),
    'security',
    (now) => now === 'open',
    { before: ({ client }) => client.call('lockDown', {}) },
  ),
  rotates('operator'),
  rotates('admin'),
  onRepo('look at a repository', 'openRepo', ''),
  onRepo('select a repository', 'selectRepo', ''),
  onRepo('prepare a repository', 'vitaminizeRepo', 'repo'),
  {
    name: 'check the provider',
    op: 'checkProvider',
    attempt: async () => ({
      act: (server) => server.client.call('checkProvider', {}),
      touches: [],
      faults: () => [],
    }),
  },
];
