import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attempt, Case, World } from './cases.ts';
import { draftCases } from './cases-drafts.ts';
import { runCases } from './cases-runs.ts';

/* What the server does of its own accord, what is done to it as a whole, and what is made for the first time. */

const whole = { touches: [], faults: () => [] };

/** Lets a process come to its end. */
const ended = ({ server }: World) => server.exited;

/** One of some cases, as the first thing that is ever done in a directory. */
const first = (from: readonly Case[], name: string): Case[] =>
  from
    .filter((one) => one.name === name)
    .map((one) => ({ ...one, name: `${name}, the first time`, fresh: true }));

export const serverCases: Case[] = [
  {
    name: 'stop the server',
    op: 'stopService',
    alone: true,
    over: ended,
    attempt: async (): Promise<Attempt> => ({
      act: ({ client }) => client.call('stopService', {}),
      ...whole,
    }),
  },
  {
    name: 'stop the server by a signal',
    op: null,
    alone: true,
    over: ended,
    attempt: async () => ({ act: (server) => server.signal('SIGTERM'), ...whole }),
  },
  {
    name: 'start the server anew',
    op: 'restartService',
    alone: true,
    over: async ({ server }) => server.logged('stopped and started again'),
    attempt: async () => ({ act: ({ client }) => client.call('restartService', {}), ...whole }),
  },
  {
    name: 'read a file',
    op: null,
    env: () => ({ ORCH_ALLOWLIST_REQUIRE: 'false' }),
    async attempt({ place, n }) {
      await writeFile(join(place.root, `read-${n}.txt`), 'text\n');
      return { act: ({ client }) => client.call('readFile', { path: `read-${n}.txt` }), ...whole };
    },
  },
  ...first(draftCases, 'create a draft, with a key'),
  ...first(draftCases, 'reject a draft'),
  ...first(runCases, 'run an edit'),
];
