import { join } from 'node:path';
import { ApprovedRecord, DraftRecord, RunRecord } from '../contract/records.ts';
import { together } from '../core/patience.ts';
import type { Logger, Store } from '../core/ports.ts';
import { sweepTemps, sweepTold, writeAtomic } from './atomic.ts';
import { openWatchedDocument, watchFiles } from './documents.ts';
import { ensureRealDir, type Fence } from './files.ts';
import { recordFolders } from './layout.ts';
import { createQuarantine } from './quarantine.ts';
import { stampAt } from './record-file.ts';
import { openRecords } from './records.ts';
import { createRunLogs } from './run-logs.ts';

/** What a plan's file may hold at most: more than the wire takes, since it is written with room between its parts. */
const planMiB = 64;
const watchedNames = ['config.json', 'provider.json', 'allowlist.json'];

/**
 * Opens the durable record in a data directory, and makes what is missing of it. Only the holder of the claim may.
 *
 * @param options.fence throws `not_writer` when the claim was lost; asked right before every change
 * @throws GimoError `storage_full`, `storage_error`
 */
export async function openStore(options: {
  dataDir: string;
  fence: Fence;
  logger: Logger;
}): Promise<Store & { close(): Promise<void> }> {
  const { dataDir, fence, logger } = options;
  const ops = join(dataDir, 'ops');
  fence();
  await ensureRealDir(ops);
  const folders = recordFolders(dataDir);
  const quarantine = createQuarantine({
    ...{ dir: folders.quarantine, label: 'quarantine', fence, logger },
  });
  const folder = (label: 'drafts' | 'approved' | 'runs') => ({
    ...{ dir: folders[label], label, fence, quarantine, logger },
  });
  const [drafts, approved, runs] = await together([
    openRecords({
      ...folder('drafts'),
      kind: 'draft',
      schema: DraftRecord,
      statusOf: (draft) => draft.status,
      tagOf: (draft) => draft.plan_task_id,
    }),
    openRecords({
      ...folder('approved'),
      kind: 'approved',
      schema: ApprovedRecord,
      statusOf: () => 'approved',
    }),
    openRecords({
      ...folder('runs'),
      kind: 'run',
      schema: RunRecord,
      statusOf: (run) => run.status,
      tagOf: (run) => run.approved_id,
    }),
    // Whoever watches it needs it to be there.
    ensureRealDir(folders.quarantine),
    ignoreInGit(dataDir),
    sweepTold(ops, logger),
  ]);
  const runLogs = createRunLogs({
    ...{ dir: folders.runs, ours: runs.ours, fence, quarantine, logger },
  });
  const all = [drafts, approved, runs];
  const watches: (() => void)[] = [];
  return {
    drafts,
    approved,
    runs,
    runLogs,
    plan: openWatchedDocument(join(ops, 'plan.json'), fence, planMiB),
    config: openWatchedDocument(join(ops, 'config.json'), fence),
    provider: openWatchedDocument(join(ops, 'provider.json'), fence),
    allowlist: openWatchedDocument(join(ops, 'allowlist.json'), fence),
    watch(changed) {
      const end = watchFiles(ops, watchedNames, changed, logger);
      watches.push(end);
      return end;
    },
    async quarantined() {
      return [...(await quarantine.list()), ...all.flatMap((records) => records.leftAlone())];
    },
    async close() {
      for (const end of watches) end();
      await Promise.all([...all, runLogs].map((part) => part.close()));
    },
  };
}

/* What lies here is a workspace's own, and holds what people wrote: it does not belong into a repository. */
async function ignoreInGit(dataDir: string): Promise<void> {
  const path = join(dataDir, '.gitignore');
  await sweepTemps(dataDir);
  if (stampAt(path) === null) await writeAtomic(path, '*\n', { mode: 0o644 });
}
