import type { Step } from '../../../src/contract/records.ts';
import { sha256 } from '../../../src/core/hash.ts';
import type { Random } from '../../faults/random.ts';
import type { Caller } from './caller.ts';
import { bad, callTool, goneAway, readFiles, readOthers, readRecords } from './reads.ts';
import { type Act, keep, look, take, type World } from './world.ts';

/* What the clients of the soak do. What one has made, others edit, approve, run and cancel. */

function stepsOf(n: string, world: World, random: Random): Step[] {
  const prompt: Step = { id: 'ask', kind: 'prompt', text: `Say ${n}` };
  const path = `soak/${n}.txt`;
  const text = `${n}\n`.repeat(1 + random.below(50));
  const runs = (ms: number): Step[] => [
    {
      ...{ id: 'command', kind: 'command' },
      argv: [world.program, '-e', `setTimeout(() => console.log('${n}'), ${ms})`, world.mark],
    },
  ];
  const kinds: Step[][] = [
    ...Array.from({ length: 8 }, () => [prompt]),
    [prompt, { id: 'gate', kind: 'gate' }, { ...prompt, id: 'again' }],
    [{ id: 'gate', kind: 'gate' }, prompt],
    // Made and deleted again, so that the folder does not fill up.
    ...Array.from({ length: 4 }, (): Step[] => [
      { id: 'make', kind: 'edit', changes: [{ path, base_sha256: null, text }] },
      { id: 'drop', kind: 'edit', changes: [{ path, base_sha256: sha256(text), text: null }] },
    ]),
    runs(10),
    runs(20_000),
  ];
  return kinds[random.below(kinds.length)] ?? [prompt];
}

const create: Act = async (caller, world, random) => {
  world.count += 1;
  const n = `${caller.name}-${world.count}`;
  const body = {
    prompt: `Do ${n}`,
    content: 'z'.repeat(random.below(2000)),
    steps: stepsOf(n, world, random),
  };
  const as = random.pick(['admin', 'agent'] as const);
  const options = { as, idempotencyKey: `${world.mark}-${n}`.slice(-100) };
  const made = await caller.ask('createDraft', body, options);
  if (made !== undefined) keep(world.drafts, made);
  // As a client does whose connection broke off: the same again makes no other.
  if (made !== undefined && random.below(10) === 0) {
    const again = await caller.ask('createDraft', body, { idempotencyKey: `${n}-again` });
    if (again !== undefined) keep(world.drafts, again);
  }
};

const generate: Act = async (caller, world) => {
  const prompt = `Round the totals, ${caller.name}`;
  const made = await caller.ask('generateDraft', { prompt }, { as: 'agent' });
  if (made !== undefined) keep(world.drafts, made);
};

const edit: Act = async (caller, world, random) => {
  const draft = take(world.drafts, random);
  if (draft === undefined) return;
  const content = `Edited by ${caller.name}. `.repeat(1 + random.below(40));
  const made = await caller.ask(
    'editDraft',
    { draft_id: draft.id, content },
    random.below(2) === 0 ? { as: 'admin' } : {},
  );
  if (made !== undefined) keep(world.drafts, made);
};

const reject: Act = async (caller, world, random) => {
  const draft = take(world.drafts, random);
  if (draft !== undefined)
    await caller.ask('rejectDraft', { draft_id: draft.id, reason: 'No.' }, { as: 'admin' });
};

const approve: Act = async (caller, world, random) => {
  const draft = take(world.drafts, random);
  if (draft === undefined) return;
  const hasEffects = draft.steps?.some(({ kind }) => kind === 'edit' || kind === 'command');
  // A token asks for such a yes, and a person gets to see the question; now and then is enough.
  const byToken = hasEffects !== true || random.below(20) === 0;
  const told = await caller.ask(
    'approveDraft',
    { draft_id: draft.id, digest: draft.digest ?? '', auto_run: random.below(2) === 0 },
    byToken ? { as: random.pick(['admin', 'operator'] as const) } : {},
  );
  if (told === undefined || 'pending' in told) return;
  if (told.run === null) keep(world.artifacts, told.approved.id);
  else keep(world.live, told.run.id);
};

const run: Act = async (caller, world, random) => {
  const approved_id = take(world.artifacts, random);
  if (approved_id === undefined) return;
  const made = await caller.ask('createRun', { approved_id }, { as: 'operator' });
  if (made !== undefined) keep(world.live, made.id);
};

const steer =
  (id: 'cancelRun' | 'pauseRun' | 'resumeRun'): Act =>
  async (caller, world, random) => {
    const run_id = take(world.live, random);
    if (run_id === undefined) return;
    const as = random.below(4) === 0 ? { as: 'operator' as const } : {};
    const told = await caller.ask(id, { run_id }, as);
    const isOver = told === undefined || 'pending' in told || id === 'cancelRun';
    keep(isOver ? world.over : world.live, run_id);
  };

const undo: Act = async (caller, world, random) => {
  const run_id = take(world.over, random);
  if (run_id !== undefined) await caller.ask('undoRun', { run_id });
};

const redraft: Act = async (caller, world, random) => {
  const approved_id = look(world.artifacts, random);
  if (approved_id === undefined) return;
  const made = await caller.ask('redraft', { approved_id }, { as: 'admin' });
  if (made !== undefined) keep(world.drafts, made);
};

const configure: Act = (caller, _world, random) =>
  caller.ask('setConfig', { run_timeout_s: 200 + random.below(100) });

const plan: Act = (caller, _world, random) =>
  caller.ask(
    'setPlan',
    {
      ...{ id: 'p1', title: 'Soak', workspace: '.', created: new Date().toISOString() },
      ...{ objective: 'Run for an hour', constraints: [] },
      tasks: Array.from({ length: 1 + random.below(8) }, (_, n) => ({
        ...{ id: `t${n}`, title: `Task ${n}`, scope: 'all', depends: n === 0 ? [] : ['t0'] },
        ...{ status: 'pending' as const, description: '' },
      })),
    },
    { as: 'admin' },
  );

/** Acts with how often each is done, of a thousand. */
const acts: readonly (readonly [number, Act])[] = [
  [330, readRecords],
  [170, readOthers],
  [90, readFiles],
  [55, create],
  [8, generate],
  [60, edit],
  [12, reject],
  [45, approve],
  [30, run],
  [30, steer('cancelRun')],
  [12, steer('pauseRun')],
  [18, steer('resumeRun')],
  [8, undo],
  [6, redraft],
  [3, configure],
  [4, plan],
  [35, callTool],
  [60, bad],
  [15, goneAway],
  [7, async (caller) => caller.toggleWatch()],
  [2, (caller) => caller.ask('verifyAudit', {})],
];
const total = acts.reduce((sum, [often]) => sum + often, 0);

/** Does one thing. */
export async function something(caller: Caller, state: World, random: Random): Promise<void> {
  let left = random.below(total);
  for (const [often, act] of acts) {
    left -= often;
    if (left >= 0) continue;
    await act(caller, state, random);
    return;
  }
}
