import type { Client } from '../../src/client/client.ts';
import type { Args } from '../../src/contract/operations.ts';
import type { Approved, Step } from '../../src/contract/records.ts';
import type { Attempt, Case, Seen } from './cases.ts';
import { newOnes } from './view.ts';

/** A draft that waits. */
export const propose = (client: Client, n: number, more: Partial<Args['createDraft']> = {}) =>
  client.call('createDraft', { prompt: `Attempt ${n}`, content: 'x'.repeat(500), ...more });

/** An artifact of such a draft. */
export async function approved(client: Client, n: number, steps?: Step[]): Promise<Approved> {
  const draft = await propose(client, n, steps === undefined ? {} : { steps });
  const digest = draft.digest ?? '';
  const done = await client.call('approveDraft', { draft_id: draft.id, digest, auto_run: false });
  if ('pending' in done) throw new Error('Nobody asks an editor here.');
  return done.approved;
}

type Fresh = ReturnType<typeof fresh>;
/** What has been made since. */
const fresh = ({ before, after }: Seen) => ({
  drafts: newOnes(before.drafts, after.drafts),
  artifacts: newOnes(before.approved, after.approved),
  runs: newOnes(before.runs, after.runs),
});

/** One record of a kind at most, and exactly one if that was told. */
export function atMostOne(seen: Seen, kind: keyof Fresh): string[] {
  const count = fresh(seen)[kind].length;
  if (count > 1) return [`${count} new ${kind}`];
  return count === 0 && seen.reply !== null
    ? [`none of the ${kind}, although it was answered`]
    : [];
}
/** Exactly one. */
export const justOne = (seen: Seen, kind: keyof Fresh): string[] => {
  const count = fresh(seen)[kind].length;
  return count === 1 ? [] : [`${count} new ${kind}, where there should be one`];
};

const makesDraft = <T>(
  name: string,
  op: 'createDraft' | 'generateDraft' | 'redraft',
  needs: (client: Client, n: number) => Promise<T>,
  call: (client: Client, n: number, key: string | undefined, needed: T) => Promise<unknown>,
): Case[] =>
  [false, true].map((keyed) => ({
    name: keyed ? `${name}, with a key` : name,
    op,
    async attempt({ client, n }): Promise<Attempt> {
      const needed = await needs(client, n);
      const key = keyed ? `key-${name}-${n}` : undefined;
      const act: Attempt['act'] = (server) => call(server.client, n, key, needed);
      return {
        act,
        touches: ['new draft'],
        faults: (seen) => atMostOne(seen, 'drafts'),
        ...(keyed ? { again: act, faultsAgain: (seen) => justOne(seen, 'drafts') } : {}),
      };
    },
  }));

const nothing = async () => undefined;

const options = (key: string | undefined) => (key === undefined ? {} : { idempotencyKey: key });

export const draftCases: Case[] = [
  ...makesDraft('create a draft', 'createDraft', nothing, (client, n, key) =>
    client.call('createDraft', { prompt: `Made ${n}`, content: 'y'.repeat(9000) }, options(key)),
  ),
  ...makesDraft('generate a draft', 'generateDraft', nothing, (client, n, key) =>
    client.call('generateDraft', { prompt: `Tell about ${n}` }, options(key)),
  ).slice(1),
  ...makesDraft('approve again', 'redraft', approved, (client, _n, key, { id }) =>
    client.call('redraft', { approved_id: id }, options(key)),
  ).slice(1),
  {
    name: 'edit a draft',
    op: 'editDraft',
    async attempt({ client, n }) {
      const draft = await propose(client, n);
      const content = `edited ${n}`;
      return {
        act: (server) => server.client.call('editDraft', { draft_id: draft.id, content }),
        touches: [draft.id],
        faults({ after, reply }) {
          const now = after.drafts.get(draft.id);
          const allowed = reply === null ? [draft.content, content] : [content];
          return now?.status === 'draft' && allowed.includes(now.content)
            ? []
            : [`the draft holds ${now?.content}`];
        },
      };
    },
  },
  {
    name: 'reject a draft',
    op: 'rejectDraft',
    async attempt({ client, n }) {
      const draft = await propose(client, n);
      const act: Attempt['act'] = (server) =>
        server.client.call('rejectDraft', { draft_id: draft.id, reason: 'No.' });
      return {
        act,
        touches: [draft.id],
        faults({ after, reply }) {
          const now = after.drafts.get(draft.id);
          if (now?.status === 'rejected')
            return now.reject_reason === 'No.'
              ? []
              : [`rejected, and the reason is ${now.reject_reason}`];
          return now?.status === 'draft' && reply === null ? [] : [`the draft is ${now?.status}`];
        },
      };
    },
  },
  ...approvals(),
];

/** Approves, with and without a key and a run. */
function approvals(): Case[] {
  const kinds = [
    { name: 'approve a draft', keyed: false, auto_run: false, steps: undefined },
    { name: 'approve a draft, with a key', keyed: true, auto_run: false, steps: undefined },
    { name: 'approve and run a draft', keyed: true, auto_run: true, steps: undefined },
    { name: 'approve and run an edit', keyed: true, auto_run: true, steps: 'edit' as const },
  ];
  return kinds.map(({ name, keyed, auto_run, steps }) => ({
    name,
    op: 'approveDraft' as const,
    async attempt({ client, n }): Promise<Attempt> {
      const path = `made-${n}.txt`;
      const change = { path, base_sha256: null, text: `made ${n}\n` };
      const edit: Step[] = [{ id: 'edit', kind: 'edit', changes: [change] }];
      const draft = await propose(client, n, steps === 'edit' ? { steps: edit } : {});
      const args = { draft_id: draft.id, digest: draft.digest ?? '', auto_run };
      const act: Attempt['act'] = (server) =>
        server.client.call('approveDraft', args, options(keyed ? `approve-${n}` : undefined));
      const news = ['new artifact', ...(auto_run ? ['new run'] : [])];
      return {
        act,
        touches: [draft.id, ...news, path],
        faults(seen) {
          const made = fresh(seen);
          const faults = atMostOne(seen, 'artifacts');
          if (auto_run) faults.push(...atMostOne(seen, 'runs'));
          if (made.artifacts.length === 0 && seen.after.drafts.get(draft.id)?.status !== 'draft')
            faults.push('the draft does not wait any more, and there is no artifact');
          if (steps === 'edit') faults.push(...editFaults(seen, path, change.text));
          return faults;
        },
        // Where the run was not made, the answer tells so: an approval is not carried out by being asked for again.
        ...(keyed ? { again: act, faultsAgain: (seen) => justOne(seen, 'artifacts') } : {}),
      };
    },
  }));
}

/** Of a file that a run makes: whole or not there, as the run tells. */
export function editFaults(seen: Seen, path: string, text: string): string[] {
  const [run] = fresh(seen).runs;
  const now = seen.after.files.get(path);
  if (run === undefined) return now === undefined ? [] : [`${path} is there, and no run`];
  if (run.status === 'done')
    return now === text ? [] : [`the run is done, and ${path} holds ${now}`];
  if (run.status !== 'error') return [`the run is ${run.status}`];
  if (now !== undefined) return [`the run failed, and ${path} holds ${now}`];
  return run.error?.includes('step "edit"') ? [] : [`the run's error is ${run.error}`];
}
