import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../../src/client/client.ts';
import type { Draft } from '../../src/contract/operations.ts';
import type { Approved, RunRecord, Step } from '../../src/contract/records.ts';
import { isTerminal } from '../../src/core/run-steps.ts';
import type { Random } from './random.ts';

/* What the clients of a soak do, and what they keep of what they are told. */

/** Tells what is wrong with a record as it is now; null if nothing is. */
export type Expectation<T> = (now: T) => string | null;

export interface History {
  drafts: Map<string, Expectation<Draft>>;
  approved: Map<string, Expectation<Approved>>;
  runs: Map<string, Expectation<RunRecord>>;
  /** What was asked for and not answered yet, to be asked again. */
  open: Set<(client: Client) => Promise<void>>;
  timeouts: Set<number>;
}

/** What a client has in hand. */
export interface Hands {
  name: string;
  drafts: Draft[];
  artifacts: Approved[];
  waiting: string[];
  done: string[];
  count: number;
}

export const same =
  <T>(told: T): Expectation<T> =>
  (now) =>
    isDeepStrictEqual(now, told)
      ? null
      : `not as it was told: ${JSON.stringify(told)} became ${JSON.stringify(now)}`;
const anything = () => null;

/** Does one thing. */
export async function something(
  client: Client,
  hands: Hands,
  history: History,
  random: Random,
): Promise<void> {
  hands.count += 1;
  const n = `${hands.name}-${hands.count}`;
  const acts = [
    () => create(client, hands, history, n, random),
    () => create(client, hands, history, n, random),
    () => edit(client, hands, history, n),
    () => reject(client, hands, history),
    () => approve(client, hands, history, n, random),
    () => approve(client, hands, history, n, random),
    () => run(client, hands, history, n),
    () => goOn(client, hands, history, random),
    () => configure(client, hands, history),
  ] as const;
  await random.pick(acts)();
}

/** Asks until there is an answer, over the end of a server, too; under one key, so that it happens once. */
async function once(history: History, client: Client, ask: (client: Client) => Promise<void>) {
  const again = async (now: Client) => {
    await ask(now);
    history.open.delete(again);
  };
  history.open.add(again);
  await again(client);
}

function create(client: Client, hands: Hands, history: History, n: string, random: Random) {
  const steps: Step[][] = [
    [{ id: 'ask', kind: 'prompt', text: `Say ${n}` }],
    [
      {
        id: 'edit',
        kind: 'edit',
        changes: [{ path: `${n}.txt`, base_sha256: null, text: `${n}\n` }],
      },
    ],
    [
      { id: 'gate', kind: 'gate' },
      { id: 'ask', kind: 'prompt', text: `Say ${n}` },
    ],
  ];
  const body = {
    prompt: `Do ${n}`,
    content: 'z'.repeat(random.below(3000)),
    steps: steps[random.below(3)],
  };
  return once(history, client, async (now) => {
    const made = await now.call('createDraft', body, { idempotencyKey: n });
    hands.drafts.push(made);
    history.drafts.set(made.id, same(made));
  });
}

async function edit(client: Client, hands: Hands, history: History, n: string) {
  const draft = hands.drafts.at(-1);
  if (draft === undefined) return;
  const content = `edited as ${n}`;
  history.drafts.set(draft.id, ({ content: now, status }) =>
    status === 'draft' && [draft.content, content].includes(now)
      ? null
      : `${status}, and holds ${now}`,
  );
  const made = await client.call('editDraft', { draft_id: draft.id, content });
  hands.drafts.splice(hands.drafts.indexOf(draft), 1, made);
  history.drafts.set(draft.id, same(made));
}

async function reject(client: Client, hands: Hands, history: History) {
  const draft = hands.drafts.pop();
  if (draft === undefined) return;
  history.drafts.set(draft.id, ({ status, reject_reason: why }) =>
    (status === 'rejected' && why === 'No.') || status === 'draft'
      ? null
      : `${status} because ${why}`,
  );
  history.drafts.set(
    draft.id,
    same(await client.call('rejectDraft', { draft_id: draft.id, reason: 'No.' })),
  );
}

function approve(client: Client, hands: Hands, history: History, n: string, random: Random) {
  const draft = hands.drafts.pop();
  if (draft === undefined) return;
  const auto_run = random.below(2) === 0;
  history.drafts.set(draft.id, anything);
  const args = { draft_id: draft.id, digest: draft.digest ?? '', auto_run };
  return once(history, client, async (now) => {
    const told = await now.call('approveDraft', args, { idempotencyKey: n });
    if ('pending' in told) throw new Error('Nobody asks an editor here.');
    const { approved, run: made } = told;
    history.drafts.set(draft.id, ({ status, approved_id }) =>
      status === 'approved' && approved_id === approved.id ? null : `${status} as ${approved_id}`,
    );
    history.approved.set(approved.id, ({ seal }) =>
      seal === approved.seal ? null : 'sealed otherwise',
    );
    if (made !== null) toldRun(history, hands, made);
    else hands.artifacts.push(approved);
  });
}

function toldRun(history: History, hands: Hands, made: RunRecord) {
  history.runs.set(made.id, ({ approved_id }) =>
    approved_id === made.approved_id ? null : `of ${approved_id}`,
  );
  if (made.steps?.[0]?.kind === 'gate') hands.waiting.push(made.id);
}

function run(client: Client, hands: Hands, history: History, n: string) {
  const artifact = hands.artifacts.pop();
  if (artifact === undefined) return;
  return once(history, client, async (now) =>
    toldRun(
      history,
      hands,
      await now.call('createRun', { approved_id: artifact.id }, { idempotencyKey: n }),
    ),
  );
}

async function goOn(client: Client, hands: Hands, history: History, random: Random) {
  const id = hands.waiting.pop();
  if (id === undefined) return;
  const op = random.pick(['cancelRun', 'resumeRun'] as const);
  history.runs.set(id, ({ status }) => (status === 'paused' || isTerminal(status) ? null : status));
  await client.call(op, { run_id: id });
  const ends = op === 'cancelRun' ? 'cancelled' : 'done';
  history.runs.set(id, ({ status }) => (status === ends ? null : `${status}, after ${op}`));
}

async function configure(client: Client, hands: Hands, history: History) {
  if (hands.name !== 'c0') return;
  const run_timeout_s = 1000 + hands.count;
  history.timeouts.add(run_timeout_s);
  await client.call('setConfig', { run_timeout_s });
  history.timeouts = new Set([run_timeout_s]);
}
