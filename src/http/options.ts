import type { ProviderConfig } from '../contract/records.ts';
import type { Logger, SecretVault } from '../core/ports.ts';
import type { Person } from '../core/work.ts';
import type { ModelsDeps } from '../providers/models.ts';

/** What a server is started with. */
export interface HostOptions {
  /** The workspace folder. */
  root: string;
  /** Exactly this port (0: any), or with `prefer` this one if it is free. */
  port: number | { prefer: number };
  hostedBy: 'editor' | 'headless';
  version: string;
  /** `GIMO_CONFIG_HOME` and what provider keys refer to; headless also the `ORCH_*` names. */
  env: Readonly<Record<string, string | undefined>>;
  logger: Logger;
  /** Where tokens and keys are kept; 0600 files of the ledger if left out. */
  vault?: SecretVault;
  /** Told when the vault has lost tokens that there were, so that all who use those are refused. */
  tokensMadeAnew?: () => void;
  /** Identifies the installation in the audit log; only its hash is kept. */
  installId?: string;
  /** The folders of an editor's window: the repositories that may be selected. */
  folders?: () => readonly string[];
  /** Whom an editor asks what only a person may decide; nobody if left out. */
  person?: Person;
  /** The absolute paths of files that are open with unsaved changes. */
  unsaved?: () => readonly string[];
  /** What is set up when nobody has chosen a model yet, unless `env` says otherwise. */
  firstProvider?: ProviderConfig;
  /** The editor's own model, where there is one. */
  editorModel?: ModelsDeps['editor'];
  /** Where clients outside reach the server, such as a tunnel, without a slash at the end; null: nowhere but here. */
  publicUrl?: () => string | null;
  /** The origins of web pages that may call, beside what `env` lists; none if left out. */
  corsOrigins?: () => readonly string[];
  /** Where the records lie, absolute; `.orch_data` in the workspace folder if left out. */
  dataDir?: string;
  /** Takes the data directory over from another host. Only ever at a person's word. */
  takeOver?: boolean;
  /** Told once when the server stops of its own accord. */
  onStopped?: (reason: string) => void;
  /**
   * Told once, instead, when the server has ended because another one has the directory. If left out, it keeps its port,
   * refuses what comes, and serves again as soon as the directory is free.
   */
  onLost?: (reason: string) => void;
}
