import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Pending } from '../../../src/contract/operation.ts';
import type { OpId } from '../../../src/contract/operations.ts';
import type {
  ApprovedRecord,
  DraftRecord,
  ResolvedProvider,
  RunRecord,
} from '../../../src/contract/records.ts';
import { createArtifacts } from '../../../src/core/artifacts.ts';
import { openAudit } from '../../../src/core/audit.ts';
import { openConsumption } from '../../../src/core/consumption.ts';
import { type Core, openCore } from '../../../src/core/core.ts';
import { digestOf, sealOf } from '../../../src/core/digest.ts';
import type { Caller } from '../../../src/core/dispatch.ts';
import { createEvents } from '../../../src/core/events.ts';
import { approvedSuffix } from '../../../src/core/ids.ts';
import type { Decision, Ledger, RunEntry } from '../../../src/core/ledger-ports.ts';
import type { LogLevel, SecretVault } from '../../../src/core/ports.ts';
import { principalOf } from '../../../src/core/principals.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { executable } from '../../../src/core/run-steps.ts';
import { createRunBook, type RunBook } from '../../../src/core/runbook.ts';
import { openSettings } from '../../../src/core/settings.ts';
import type { Executor, Models } from '../../../src/core/work.ts';
import { createPrograms } from '../../../src/execution/programs.ts';
import { createWorker } from '../../../src/execution/worker.ts';
import { createWorkspace } from '../../../src/execution/workspace.ts';
import { openReading } from '../../../src/http/reading.ts';
import { baseUrl } from '../../../src/providers/presets.ts';
import { openAuditFile } from '../../../src/store/auditfile.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { openStore } from '../../../src/store/store.ts';

/** A directory that is deleted when the test has finished. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-core-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Something that the test lets go on when it is time. */
export function gate<T = void>() {
  return Promise.withResolvers<T>();
}

export const offline: ResolvedProvider = {
  ...{ name: 'offline', type: 'offline', origin: null, model: 'offline' },
};
const firstProvider = {
  active: 'offline',
  providers: { offline: { type: 'offline', model: 'offline' } as const },
};

/** The real store, ledger and audit file in a directory. What is put into `faults` is thrown where they would write. */
export async function openParts(dir: string) {
  const faults: Partial<Record<'store' | 'ledger' | 'audit', Error>> = {};
  const fence = (part: keyof typeof faults) => () => {
    const fault = faults[part];
    if (fault !== undefined) throw fault;
  };
  const told: { level: LogLevel; message: string }[] = [];
  const waiting = new Map<string, () => void>();
  const logger = {
    log(level: LogLevel, message: string) {
      told.push({ level, message });
      for (const [text, tell] of waiting) if (message.includes(text)) tell();
    },
  };
  /** Resolves when the log tells something that holds this text. */
  const tells = (text: string) => new Promise<void>((tell) => waiting.set(text, tell));
  const dataDir = join(dir, 'work', '.orch_data');
  const ledger = await openLedger({ dir: join(dir, 'ledger'), dataDir });
  ledger.setFence(fence('ledger'));
  const store = await openStore({ dataDir, fence: fence('store'), logger });
  const auditDir = join(dataDir, 'ops', 'audit');
  const auditFile = await openAuditFile({ dir: auditDir, ledger, fence: fence('audit') });
  const clock = { time: 1_800_000_000_000, now: () => clock.time };
  const close = async () => {
    await auditFile.close();
    await store.close();
  };
  onTestFinished(close);
  return {
    ...{ dir, dataDir, auditDir, ledger, store, auditFile, clock, logger, told, tells, faults },
    close,
  };
}
export type Parts = Awaited<ReturnType<typeof openParts>>;

const vault: SecretVault = {
  get: async () => undefined,
  set: async () => undefined,
  delete: async () => undefined,
};

/** The rules around runs over real parts, without a worker. */
export async function openBook(parts: Parts, secrets: readonly string[] = []) {
  const { store, ledger, auditFile, clock, logger } = parts;
  const models = { baseUrl };
  const settings = await openSettings({
    ...{ store, ledger, vault, models, env: {}, firstProvider, logger },
  });
  const redactor = createRedactor(() => secrets);
  const seen: string[] = [];
  const events = createEvents((error) => logger.log('error', String(error)));
  events.subscribe(({ type, id }) => seen.push(`${type} ${id}`));
  const audit = await openAudit({ file: auditFile, ledger, clock, logger });
  const consumption = await openConsumption(ledger, logger);
  const artifacts = createArtifacts({
    ...{ store, ledger, settings, consumption, clock },
    decisions: { of: noted },
    withhold: async () => (artifact) => artifact,
  });
  const book = createRunBook({
    ...{ store, ledger, settings, artifacts, redactor, audit, events, clock, logger },
  });
  onTestFinished(() => book.drained());
  return { book, audit, artifacts, consumption, settings, redactor, events, seen };
}

export interface CoreOptions {
  /** Answers for every model. */
  ask?: Models['ask'];
  executors?: readonly Executor[];
  shutdown?: AbortSignal;
  worker?: 'none';
  auditFile?: Parts['auditFile'];
}

/** What clients read through: the folder that holds the data directory. */
function readingOf({ dataDir, clock }: Parts) {
  const reading = openReading({
    ...{ root: dirname(dataDir), dataDir, env: {}, folders: undefined, clock, fence() {} },
    settings: { requireAllowlist: true, allowlistTtl: 300, snapshotTtl: 240, repoRoot: null },
  });
  onTestFinished(() => reading.close());
  return reading;
}

/** The folder that holds the data directory, as runs change it. */
function workspaceOf({ dataDir, ledger }: Parts) {
  const unsaved = () => [];
  const { workspace } = createWorkspace({
    ...{ root: dirname(dataDir), dataDir, versions: ledger.oldVersions, unsaved },
  });
  return { workspace };
}

/** What a worker says of a step that it does not know how to settle. */
export const unsettled = async () =>
  'It may or may not have happened; look before you run it again.';

/** The whole core over real parts; runs are carried out by what the test says. */
export async function startCore(parts: Parts, options: CoreOptions = {}) {
  const { store, ledger, clock, logger } = parts;
  const shutdown = new AbortController();
  const root = dirname(parts.dataDir);
  let stop = async () => {};
  let book: RunBook | undefined;
  const core = await openCore({
    ...{ store, ledger, vault, clock, logger, firstProvider, env: {} },
    auditFile: options.auditFile ?? parts.auditFile,
    models: {
      baseUrl,
      ask: options.ask ?? (async () => ({ text: 'An answer.', usage: null })),
      check: async () => 'It answers.',
    },
    ...{ ...workspaceOf(parts), programs: createPrograms({ root, env: {} }), person: null },
    facts: {
      ...{ version: '0', pid: 1, dataDir: parts.dataDir, epoch: 1, startedAt: clock.now() },
      hostedBy: 'headless',
    },
    tokens: () => [],
    repository: readingOf(parts),
    server: { rotateToken: async () => 'a-new-token-for-tests', restart() {}, stop() {} },
    shutdown: options.shutdown ?? shutdown.signal,
    worker(made) {
      book = made;
      if (options.worker === 'none') return { wake() {}, halt: async () => {}, settle: unsettled };
      const worker = createWorker({
        book: made,
        executors: options.executors ?? [],
        limits: () => ({ concurrent: 3, runTimeout: 300 }),
        logger,
      });
      stop = () => worker.stop();
      return worker;
    },
  });
  if (book === undefined) throw new Error('the core made no book');
  const drained = book.drained;
  onTestFinished(async () => {
    await stop();
    await drained();
  });
  return { core, book, stop: () => stop() };
}

const caller: Caller = {
  ...{ principal: principalOf('admin', 'a-token-for-tests'), source: 'api', correlationId: 'test' },
};

/** Calls an operation of a core as admin. */
export const calling =
  (core: Core) =>
  async <K extends OpId>(id: K, args: Parameters<Core['dispatch']>[1]) =>
    happened((await core.dispatch(id, args, caller)).body);

const isHappened = <T>(body: T): body is Exclude<T, Pending> => !Pending.safeParse(body).success;
function happened<T>(body: T): Exclude<T, Pending> {
  if (isHappened(body)) return body;
  throw new Error('nothing has happened: a person is asked');
}

// ---- records

export const runId = (n: number) => `r_${1_800_000_000_000 + n}_00000a`;
export const draftId = (n: number) => `d_${1_800_000_000_000 + n}_00000a`;
const at = '2027-01-15T08:00:00.000Z';

export function draftOf(n: number, fields: Partial<DraftRecord> = {}): DraftRecord {
  return {
    ...{ id: draftId(n), prompt: `prompt ${n}`, context: {}, provider: null, content: null },
    ...{ status: 'draft', error: null, created_at: at, steps: null, digest: null },
    ...{ updated_at: null, reject_reason: null, approved_id: null, created_by: 'admin:000' },
    ...{ source: 'api', plan_task_id: null },
    ...fields,
  };
}

/** The decision of the ledger that stands behind {@link artifactOf}. */
const noted = (draftId: string): Decision => ({
  ...{ id: draftId, status: 'approved' },
  approved_id: `a_1800000000500_${approvedSuffix(draftId)}`,
});

/** A sealed artifact that holds, unless fields are changed afterwards. */
export function artifactOf(
  draft: DraftRecord,
  ledger: Pick<Ledger, 'mac' | 'keyId'>,
  fields: Partial<ApprovedRecord> = {},
): ApprovedRecord {
  const unsealed: ApprovedRecord = {
    ...{ id: `a_1800000000500_${approvedSuffix(draft.id)}`, draft_id: draft.id },
    ...{ prompt: draft.prompt, provider: null, content: draft.content ?? '' },
    ...{ approved_at: at, approved_by: 'admin:000', steps: draft.steps, context: draft.context },
    provider_resolved: offline,
    digest: digestOf(draft, fields.provider_resolved ?? offline),
    ...{ seal: null, key_id: ledger.keyId, shown_digest: null, expires_at: null },
    consumed_by: null,
    ...fields,
  };
  return { ...unsealed, seal: sealOf(unsealed, ledger) };
}

export function runOf(n: number, artifact: ApprovedRecord, fields: Partial<RunRecord> = {}) {
  const steps = executable(artifact).map(({ id, kind, title }) => ({
    ...{ id, kind, status: 'waiting' as const, ...(title === undefined ? {} : { title }) },
    ...{ started_at: null, finished_at: null, result: null },
  }));
  const run: RunRecord = {
    ...{ id: runId(n), approved_id: artifact.id, status: 'pending', log: [], started_at: null },
    ...{ created_at: at, finished_at: null, error: null, steps, actor: 'admin:000', attempt: 0 },
    ...fields,
  };
  return run;
}

export function entryOf(run: RunRecord, artifact: ApprovedRecord, fields: Partial<RunEntry> = {}) {
  const { id, approved_id, status, steps, created_at, started_at, finished_at, error } = run;
  const entry: RunEntry = {
    ...{ id, approved_id, status, steps, created_at, started_at, finished_at, error },
    ...{ digest: artifact.digest ?? '', actor: 'admin:000', attempt: run.attempt },
    cancel_requested: false,
    ...fields,
  };
  return entry;
}
