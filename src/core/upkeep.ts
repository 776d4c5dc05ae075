import { GimoError } from '../contract/errors.ts';
import { type DraftRecord, Plan } from '../contract/records.ts';
import { type Audit, systemAct } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Consumption } from './consumption.ts';
import type { Decisions } from './decisions.ts';
import { draftLock } from './drafts.ts';
import type { Change, Events } from './events.ts';
import type { Idempotency } from './idempotency.ts';
import type { Ledger } from './ledger-ports.ts';
import { every } from './lists.ts';
import type { Locks } from './locks.ts';
import { standOf } from './plan.ts';
import type { Logger, Store } from './ports.ts';
import { runLock } from './run-control.ts';
import { isTerminal } from './run-steps.ts';
import type { RunBook } from './runbook.ts';
import type { Settings } from './settings.ts';
import type { Workspace } from './work.ts';

export interface UpkeepPorts {
  store: Pick<Store, 'drafts' | 'runs' | 'runLogs' | 'plan'>;
  ledger: Pick<Ledger, 'runs'>;
  settings: Pick<Settings, 'config'>;
  book: Pick<RunBook, 'entry'>;
  idempotency: Pick<Idempotency, 'sweep'>;
  decisions: Pick<Decisions, 'drop' | 'standing'>;
  consumption: Pick<Consumption, 'settle'>;
  workspace: Pick<Workspace, 'forget'>;
  /** Deletes snapshots whose time is over; left out where there are none. */
  cleanSnapshots?: (() => Promise<unknown>) | undefined;
  /** Seconds that terminal runs are kept; what the configuration says if left out. */
  runTtlSeconds?: number | undefined;
  /** Whether nothing may go now: in a lockdown what there is may be evidence. */
  paused: () => boolean;
  audit: Audit;
  events: Events;
  locks: Locks;
  clock: Clock;
  logger: Logger;
}

/** Deletes what has been over for long enough. */
export interface Upkeep {
  /** Looks through everything once; a second call meanwhile waits for the first. What fails is told to the log. */
  run(): Promise<void>;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function createUpkeep(ports: UpkeepPorts): Upkeep {
  const { store, ledger, settings, book, idempotency, decisions, consumption, workspace } = ports;
  const { audit, events, locks, clock, logger } = ports;
  let running: Promise<void> | null = null;

  const isOver = (since: string | null, ttlMs: number) =>
    since !== null && Date.parse(since) + ttlMs <= clock.now();

  const remove = async (operation: string, change: Change, deleting: () => Promise<void>) => {
    await audit.around(systemAct(operation, change.id, 'upkeep'), deleting);
    events.publish(change);
  };

  /** What tells where the tasks of the plan stand stays as long as they do. */
  const needed = async () => {
    const plan = Plan.safeParse(await store.plan.read()).data;
    const stands = plan === undefined ? [] : (await standOf(plan, store, decisions)).values();
    return new Set([...stands].flatMap(({ draft, run }) => [draft.id, run?.id]));
  };

  /** The ledger's entry is the truth about a run; a file without one is taken at its own word. */
  const cleanRun = async (id: string, ttlMs: number) => {
    if (book.entry(id) !== undefined) return;
    const [entry, file] = [await ledger.runs.glance(id), await store.runs.get(id)];
    const told = entry ?? file;
    if (told === null || !isTerminal(told.status) || !isOver(told.finished_at, ttlMs)) return;
    await remove('cleanUpRun', { type: 'run', id }, async () => {
      // What the run's entry alone may tell by now: that its approval is spent.
      await consumption.settle();
      await workspace.forget(id);
      await store.runLogs.remove(id);
      await store.runs.remove(id);
      await ledger.runs.remove(id);
    });
  };
  const cleanRuns = async () => {
    const ttlMs = (ports.runTtlSeconds ?? settings.config().run_ttl_hours * 3600) * 1000;
    const old = new Set<string>();
    for (const entry of await ledger.runs.all())
      if (isTerminal(entry.status) && isOver(entry.finished_at, ttlMs)) old.add(entry.id);
    for await (const run of every(store.runs, ['done', 'error', 'cancelled']))
      if (isOver(run.finished_at, ttlMs)) old.add(run.id);
    const stays = await needed();
    for (const id of old)
      if (!stays.has(id)) await locks.run(runLock({ run_id: id }), () => cleanRun(id, ttlMs));
  };

  const cleanDraft = async (id: string, ttlMs: number) => {
    const draft = await store.drafts.get(id);
    if (draft === null || !isOver(decidedAt(draft), ttlMs)) return;
    await remove('cleanUpDraft', { type: 'draft', id }, async () => {
      await store.drafts.remove(id);
      await decisions.drop([id]);
    });
  };
  const cleanDrafts = async () => {
    const { draft_cleanup_ttl_days: days } = settings.config();
    if (days === 0) return;
    const old: string[] = [];
    for await (const draft of every(store.drafts, ['rejected', 'error']))
      if (isOver(decidedAt(draft), days * dayMs)) old.push(draft.id);
    const stays = await needed();
    for (const id of old)
      if (!stays.has(id))
        await locks.run(draftLock({ draft_id: id }), () => cleanDraft(id, days * dayMs));
  };

  /** One that fails does not keep the others from being done. */
  const attempt = async (what: string, job: () => Promise<unknown>) => {
    try {
      await job();
    } catch (error) {
      if (!GimoError.is(error)) throw error;
      logger.log('warn', `Cleaning up ${what} failed: ${error.message}`);
    }
  };
  const once = async () => {
    if (ports.paused()) return;
    await attempt('runs', cleanRuns);
    await attempt('drafts', cleanDrafts);
    await attempt('idempotency entries', () => idempotency.sweep());
    await attempt('snapshots', async () => ports.cleanSnapshots?.());
  };
  return {
    run() {
      running ??= once().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

/**
 * When a draft came to its end; null if it stays, or does not say. What the Python service wrote does not say: opening
 * its directory must lose nothing, so only what was ended here is deleted.
 */
function decidedAt(draft: DraftRecord): string | null {
  if (draft.status !== 'rejected' && draft.status !== 'error') return null;
  return draft.updated_at ?? (draft.source === null ? null : draft.created_at);
}
