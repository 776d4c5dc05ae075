import { z } from 'zod';
import { op } from '../operation.ts';

/** What of the workspace has an effect only once a person has accepted it. */
export const watched = ['config', 'provider', 'allowlist'] as const;
export type Watched = (typeof watched)[number];

/** A file that is not what was last accepted. It has no effect until somebody accepts it. */
export const OutsideChange = z.object({
  what: z.enum(watched),
  /** What is in force; keys are left out. */
  accepted: z.unknown(),
  /** What the file says, keys left out; a sentence if it cannot be read, null if there is no file. */
  found: z.unknown(),
  /** Why it cannot be accepted, in words; null if it can. */
  problem: z.string().nullable(),
  /** What else a person should know before they decide. */
  notes: z.array(z.string()),
  /** Names exactly this change: given with an accept, nothing else is accepted. */
  digest: z.string(),
});
export type OutsideChange = z.infer<typeof OutsideChange>;

/* Any text: what it may be is asked by a precondition, and answered with 404. */
const What = z.string();
const left = z.array(OutsideChange);

/** Looking after what lies in the workspace. */
export const upkeepRows = {
  listChanges: op({
    method: 'get',
    path: '/ops/changes',
    role: 'operator',
    input: z.object({}),
    output: left,
    status: 200,
    summary: 'Lists settings in the workspace that were changed outside and have no effect yet.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  acceptChange: op({
    method: 'post',
    path: '/ops/changes/{what}/accept',
    role: 'admin',
    input: z.object({ what: What, digest: z.string().optional() }),
    query: ['digest'],
    output: left,
    status: 200,
    refusals: [409, 412],
    summary: 'Puts in force what the file says, and answers the changes that are left.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  restoreChange: op({
    method: 'post',
    path: '/ops/changes/{what}/restore',
    role: 'admin',
    input: z.object({ what: What }),
    output: left,
    status: 200,
    refusals: [409],
    summary: 'Writes back what was last accepted, and answers the changes that are left.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
};
