import type { ProviderConfig } from '../contract/records.ts';
import { type Core, openCore } from '../core/core.ts';
import type { CorePorts } from '../core/core-parts.ts';
import type { Logger, SecretVault, ServerControl } from '../core/ports.ts';
import { principalOf } from '../core/principals.ts';
import { createCommandExecutor } from '../execution/command.ts';
import { createPrograms } from '../execution/programs.ts';
import { createPromptExecutor } from '../execution/prompt.ts';
import { createWorker } from '../execution/worker.ts';
import { createWorkspace } from '../execution/workspace.ts';
import { createModels } from '../providers/models.ts';
import { createRepoFacts } from '../repo/facts.ts';
import { openAuditFile } from '../store/auditfile.ts';
import { recordFolders } from '../store/layout.ts';
import type { LedgerFiles } from '../store/ledger.ts';
import { openStore } from '../store/store.ts';
import type { Reading } from './environment.ts';
import type { Lifetime } from './lifetime.ts';
import type { HostOptions } from './options.ts';
import { openReading } from './reading.ts';
import type { Tokens } from './tokens.ts';

/** The durable record: the store and the audit chain. */
export async function openDurable(given: {
  dataDir: string;
  lifetime: Lifetime;
  ledger: LedgerFiles;
  fence: () => void;
  auditMaxBytes: number;
  logger: Logger;
}): Promise<Pick<CorePorts, 'store' | 'auditFile'>> {
  const { dataDir, lifetime, ledger, fence, auditMaxBytes: maxBytes, logger } = given;
  const store = await openStore({ dataDir, fence, logger });
  lifetime.add(() => store.close());
  const { audit: dir } = recordFolders(dataDir);
  const auditFile = await openAuditFile({ dir, ledger, fence, logger, maxBytes });
  lifetime.add(() => auditFile.close());
  return { store, auditFile };
}

/** Opens what stands behind the port on the durable record: models, the core, and the worker that carries out its runs. */
export async function openBehind(given: {
  root: string;
  dataDir: string;
  epoch: number;
  url: string;
  options: HostOptions;
  lifetime: Lifetime;
  ledger: LedgerFiles;
  fence: () => void;
  vault: SecretVault;
  tokens: Tokens;
  durable: Pick<CorePorts, 'store' | 'auditFile'>;
  reading: Reading;
  control: Pick<ServerControl, 'restart' | 'stop'>;
  logger: Logger;
  firstProvider: ProviderConfig;
  runTtlSeconds: number | undefined;
  shutdown: AbortSignal;
}): Promise<Core> {
  const { root, dataDir, epoch, options, lifetime, ledger, fence, tokens, logger } = given;
  const models = createModels({
    facts: createRepoFacts(root),
    ...(options.editorModel === undefined ? {} : { editor: options.editorModel }),
  });
  const { workspace, edit } = createWorkspace({
    ...{ root, dataDir, versions: ledger.oldVersions, fence },
    unsaved: options.unsaved ?? (() => []),
  });
  const programs = createPrograms({ root, env: options.env });
  const clock = { now: () => Date.now() };
  const reading = openReading({
    ...{ root, dataDir, settings: given.reading, folders: options.folders, env: options.env },
    ...{ clock, fence },
  });
  lifetime.add(() => reading.close());
  return openCore({
    ...given.durable,
    ...{ ledger, models, workspace, programs, logger },
    ...{ env: options.env, vault: given.vault, person: options.person ?? null },
    editor: principalOf('editor', options.installId ?? ledger.dir),
    ...{ firstProvider: given.firstProvider, shutdown: given.shutdown },
    runTtlSeconds: given.runTtlSeconds,
    facts: {
      ...{ version: options.version, pid: process.pid, dataDir, epoch },
      ...{ startedAt: Date.now(), hostedBy: options.hostedBy },
    },
    clock,
    repository: reading,
    cleanSnapshots: () => reading.snapshots.cleanSnapshots(),
    tokens: tokens.known,
    server: { ...given.control, rotateToken: tokens.rotate },
    publicUrl: () => options.publicUrl?.() ?? given.url,
    worker: (book, settings, redactor) => {
      const { config } = settings;
      const command = createCommandExecutor({ root, config, programs, env: options.env });
      const worker = createWorker({
        ...{ book, logger, executors: [createPromptExecutor(models, redactor), edit, command] },
        limits: () => ({
          concurrent: settings.config().max_concurrent_runs,
          runTimeout: settings.config().run_timeout_s,
        }),
      });
      lifetime.add(() => worker.stop());
      return worker;
    },
  });
}
