import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { GimoError } from '../../src/contract/errors.ts';
import { Draft } from '../../src/contract/operations.ts';
import { Approved, type LogEntry, RunRecord } from '../../src/contract/records.ts';
import type { AuditEntry } from '../../src/contract/rows/security.ts';
import { isTerminal } from '../../src/core/run-steps.ts';
import type { Orders } from './aim.ts';
import type { FaultyPlace } from './place.ts';
import type { FaultyServer } from './server.ts';

/** All that a server tells and that lies in its workspace, at a moment when nothing is under way. */
export interface View {
  drafts: ReadonlyMap<string, Draft>;
  approved: ReadonlyMap<string, Approved>;
  runs: ReadonlyMap<string, RunRecord>;
  /** Whatever there is one of: plan, config, provider, allowlist, changes, security. */
  settings: Readonly<
    Record<'plan' | 'config' | 'provider' | 'allowlist' | 'changes' | 'security', unknown>
  >;
  /** Files of the workspace outside of the data directory. */
  files: ReadonlyMap<string, string>;
  /** The first entries of the audit. */
  audit: readonly AuditEntry[];
  verdict: { verdict: string; at: number | null };
  quarantined: readonly string[];
}

/** Waits until no run is under way, then looks at everything. */
export async function lookAtAll(server: FaultyServer, place: FaultyPlace): Promise<View> {
  const { client } = server;
  const [drafts, approved, plan, config, provider, changes, events, allowlist, audit, status] =
    await Promise.all([
      client.call('listDrafts', { view: 'full' }),
      client.call('listApproved', { view: 'full' }),
      orNull(client.call('getPlan', {})),
      client.call('getConfig', {}),
      client.call('getProvider', {}),
      client.call('listChanges', {}),
      client.call('getSecurityEvents', {}),
      client.call('getAllowlist', {}),
      client.call('listAudit', { limit: 1000 }),
      client.call('getStatus', {}),
    ]);
  const runs = await client.call('listRuns', { view: 'full' });
  return {
    drafts: byId(drafts, Draft),
    approved: byId(approved, Approved),
    runs: byId(runs, RunRecord),
    settings: { plan, config, provider, changes, allowlist, security: events.level },
    files: await workspaceFiles(place.root),
    audit: audit.entries,
    verdict: await client.call('verifyAudit', {}),
    quarantined: status.quarantined.map(({ file, reason }) => `${file}: ${reason}`),
  };
}

/** Every record whole, which the lists leave open. */
const byId = <T extends { id: string }>(items: readonly unknown[], schema: z.ZodType<T>) =>
  new Map(items.map((item) => schema.parse(item)).map((record) => [record.id, record]));

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (GimoError.is(error, 'not_found')) return null;
    throw error;
  }
}

/** Waits until no run is pending or running. */
export async function settled(server: FaultyServer): Promise<void> {
  const live = ['pending', 'running'] as const;
  const none = async () =>
    (await server.client.call('listRuns', { status: [...live] })).length === 0;
  if (!(await none())) await server.until(none);
}

async function workspaceFiles(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const walk = async (dir: string): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== '.orch_data') await walk(path);
      } else found.set(relative(root, path), await readFile(path, 'latin1'));
    }
  };
  await walk(root);
  return found;
}

/** What must hold whatever was interrupted; a sentence for each thing that does not. */
export function generalFaults(view: View): string[] {
  const faults: string[] = [];
  for (const artifact of view.approved.values()) {
    const draft = view.drafts.get(artifact.draft_id);
    if (draft?.status !== 'approved' || draft.approved_id !== artifact.id)
      faults.push(
        `the artifact ${artifact.id} stands, but its draft is ${draft?.status} with ${draft?.approved_id}`,
      );
  }
  for (const draft of view.drafts.values())
    if (draft.status === 'approved' && !view.approved.has(draft.approved_id ?? ''))
      faults.push(`the draft ${draft.id} is approved, but ${draft.approved_id} is not there`);
  const spent = new Map<string, string>();
  for (const run of view.runs.values()) {
    if (!isTerminal(run.status) && run.status !== 'paused')
      faults.push(`the run ${run.id} is stuck in ${run.status}`);
    if (isTerminal(run.status) && run.finished_at === null)
      faults.push(`the run ${run.id} is ${run.status} without an end`);
    if (!view.approved.has(run.approved_id))
      faults.push(`the run ${run.id} is of ${run.approved_id}, which is not there`);
    if (!run.steps?.some(({ kind }) => kind === 'edit' || kind === 'command')) continue;
    const other = spent.get(run.approved_id);
    if (other !== undefined) faults.push(`${other} and ${run.id} are of one approval`);
    spent.set(run.approved_id, run.id);
    const consumedBy = view.approved.get(run.approved_id)?.consumed_by;
    if (consumedBy !== run.id) faults.push(`the approval of ${run.id} is spent on ${consumedBy}`);
  }
  return faults;
}

/** What lies on the disk and should not, while no run is under way. */
export async function leftovers(
  server: FaultyServer,
  place: FaultyPlace,
  view: View,
): Promise<string[]> {
  const faults: string[] = [];
  const temps: string[] = [];
  for (const entry of await readdir(place.base, { recursive: true, withFileTypes: true })) {
    const path = relative(place.base, join(entry.parentPath, entry.name));
    // What was half made in another repository, that repository's own server sweeps.
    if (/\.tmp$|\/\.gimo-/.test(path) && !path.startsWith('work/repo-')) temps.push(path);
    const run = /(r_[^/]*)\.log\.jsonl$/.exec(path)?.[1];
    if (run !== undefined && view.runs.get(run)?.status !== 'paused')
      faults.push(`${path} was left behind`);
    if (!entry.isFile() || !path.endsWith('.json')) continue;
    try {
      JSON.parse(await readFile(join(place.base, path), 'utf8'));
    } catch (error) {
      faults.push(`${path} holds half of something: ${String(error)}`);
    }
  }
  // The tidying that follows a start by a second may have been writing one just then: its name is used only once.
  if (temps.length > 0) await server.points();
  for (const path of temps)
    if (existsSync(join(place.base, path))) faults.push(`${path} was left behind`);
  return faults;
}

/** Records that are not as they were, although nothing was done to them. */
export function changedFaults(
  before: View,
  after: View,
  targets: ReadonlySet<string>,
  loss: Orders['loss'],
): string[] {
  const faults: string[] = [];
  const compare = (
    kind: string,
    was: ReadonlyMap<string, unknown>,
    is: ReadonlyMap<string, unknown>,
  ) => {
    for (const [id, record] of was) {
      if (targets.has(id)) continue;
      if (!is.has(id)) faults.push(`${kind} ${id} is lost`);
      else if (!isDeepStrictEqual(record, is.get(id)))
        faults.push(`${kind} ${id} is not as it was: ${difference(record, is.get(id))}`);
    }
    for (const id of is.keys())
      if (!was.has(id) && !targets.has(id) && !targets.has(`new ${kind}`))
        faults.push(`${kind} ${id} is new`);
  };
  compare('draft', before.drafts, after.drafts);
  compare('artifact', before.approved, after.approved);
  // Lines of a run that is not over are not synced: with the power they may go.
  compare('run', withLogs(before.runs, loss), withLogs(after.runs, loss));
  compare('file', before.files, after.files);
  compare(
    'setting',
    new Map(Object.entries(before.settings)),
    new Map(Object.entries(after.settings)),
  );
  return faults;
}

/** That lines were lost once is told anew after each start, so it is another line each time. */
const isLossTold = ({ msg }: LogEntry) => msg.startsWith('The log of this run was changed outside');

const withLogs = (runs: View['runs'], loss: Orders['loss']) =>
  new Map(
    [...runs].map(([id, run]) => {
      const log = loss === null ? run.log.filter((line) => !isLossTold(line)) : [];
      return [id, isTerminal(run.status) ? run : { ...run, log }];
    }),
  );

const difference = (was: unknown, is: unknown): string =>
  `${JSON.stringify(was)} became ${JSON.stringify(is)}`;

/** The records of a kind that are new. */
export const newOnes = <T>(was: ReadonlyMap<string, T>, is: ReadonlyMap<string, T>): T[] =>
  [...is].filter(([id]) => !was.has(id)).map(([, record]) => record);
