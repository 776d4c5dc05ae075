import { basename, join } from 'node:path';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { idPattern, RunStatus, RunStep } from '../contract/records.ts';
import type { Accepted, Ledger, RunEntries, RunEntry } from '../core/ledger-ports.ts';
import { isTerminal } from '../core/run-steps.ts';
import { removeFile, sweepTemps, writeAtomic } from './atomic.ts';
import { createHeadFile, type HeadFile } from './audit-head.ts';
import { createConsumed } from './consumed.ts';
import { createDecided } from './decided.ts';
import { ensureDir, type Fence, namesIn, parseJson, readText } from './files.ts';
import { createIdempotencyEntries } from './idempotency.ts';
import { ensureKey, macOf } from './keys.ts';
import { ledgerFolders, ledgerLists } from './layout.ts';
import { createOldVersions } from './old-versions.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { createLoaded, createQueue, createQueues } from './queue.ts';
import { readRecordFile, stampAt } from './record-file.ts';
import { createSecurityFile } from './security-file.ts';

/** The ledger on disk, with what the other files of the store need of it. */
export interface LedgerFiles extends Ledger {
  readonly dir: string;
  /** The end of the audit chain, for the audit file. */
  readonly head: HeadFile;
  /**
   * Binds every later write to a claim. What was read into memory is forgotten: another holder may have written since.
   * Before the first call nothing is checked, so call it before the ledger is handed to anything that writes.
   */
  setFence(fence: Fence): void;
}

const RunEntryFile: z.ZodType<RunEntry> = z.object({
  id: z.string().regex(idPattern.run),
  approved_id: z.string(),
  digest: z.string(),
  status: RunStatus,
  steps: z.array(RunStep),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  error: z.string().nullable(),
  actor: z.string(),
  attempt: z.int().nonnegative(),
  cancel_requested: z.boolean(),
  pause_requested: z.boolean().optional(),
  ran_ms: z.number().nonnegative().optional(),
  trace: z.unknown().optional(),
  log: z.object({ entries: z.int(), sha256: z.string() }).optional(),
  undone_at: z.string().optional(),
});

const TokensFile = z.object({
  tokens: z.array(z.object({ role: z.string(), sha256: z.string() })),
});
type TokensFile = z.infer<typeof TokensFile>;

/** What stands in a ledger once a server has used it. */
const signsOfUse = ['data-dir.txt', 'epochs', 'tokens.json', 'audit-head'];

/**
 * Opens a ledger, and makes it (0700) with a new key if there is none.
 *
 * @param options.dataDir only noted in the ledger, for people: the name of the ledger does not tell whose it is
 * @throws GimoError `storage_error` if its key cannot be read
 */
export async function openLedger(options: { dir: string; dataDir: string }): Promise<LedgerFiles> {
  const { dir, dataDir } = options;
  const folders = ledgerFolders(dir);
  const lists = ledgerLists(dir);
  await ensureDir(dir);
  const inside = [folders.runs, folders.accepted, folders.old];
  await Promise.all(inside.map((folder) => ensureDir(folder)));
  // The vault's too, which is not there under an editor: what half a write left of a secret must not lie about.
  await Promise.all([dir, ...inside, folders.secrets].map((folder) => sweepTemps(folder)));
  const isNew = !(await namesIn(dir)).some((name) => signsOfUse.includes(name));
  let check: Fence = () => undefined;
  const fence = () => check();
  const quarantine = createQuarantine({ dir: join(dir, 'quarantine'), label: 'ledger', fence });
  const key = await ensureKey(dir);
  const mac = macOf(key);
  const runs = createRunEntries(folders.runs, fence, quarantine);
  const head = createHeadFile(dir, { mac });
  const idempotency = createIdempotencyEntries(lists.idempotency, fence, quarantine);
  const decided = createDecided(lists.decided, fence);
  const consumed = createConsumed(lists.consumed, fence);
  const securityPath = join(dir, 'security.json');
  const security = createSecurityFile(securityPath, { mac }, fence);
  // Only in a ledger that no server has used yet may the state be missing; later that is somebody's doing.
  if (isNew && (await readText(securityPath)) === null)
    await security.write({ level: 'open', events: [] });
  const note = join(dir, 'data-dir.txt');
  if ((await readText(note)) === null) await writeAtomic(note, `${dataDir}\n`);
  const tokens = createTokens(join(dir, 'tokens.json'), fence, quarantine);
  await tokens.load();
  return {
    dir,
    keyId: key.key_id,
    mac,
    head,
    runs,
    config: accepted(join(folders.accepted, 'config.json'), fence),
    provider: accepted(join(folders.accepted, 'provider.json'), fence),
    allowlist: accepted(join(folders.accepted, 'allowlist.json'), fence),
    idempotency,
    decided,
    consumed,
    oldVersions: createOldVersions(folders.old, fence),
    rememberToken: tokens.remember,
    knewToken: tokens.knew,
    hadToken: tokens.hadOne,
    security,
    setFence(next) {
      check = next;
      runs.forget();
      idempotency.forget();
      decided.forget();
      consumed.forget();
      head.forget();
    },
  };
}

function accepted(path: string, fence: Fence): Accepted {
  const queue = createQueue();
  return {
    async read() {
      if (stampAt(path) === null) return null;
      const text = await readText(path);
      // What was accepted is stricter than what holds without it, so it must not count as never accepted.
      const value = text === null ? null : (parseJson(text) ?? null);
      if (value === null)
        throw new GimoError(
          'storage_error',
          `accepted/${basename(path)} in the ledger cannot be read. Mend that file, or delete it and accept ${basename(path)} of the workspace again.`,
        );
      return value;
    },
    write: (value) =>
      queue(() => writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`, { fence })),
  };
}

/*
 * All entries are kept in memory: nobody else writes here while the claim holds, and runs are looked up all the time.
 * Not the results of runs that are over: they may be large, and are seldom asked for.
 */
function createRunEntries(
  dir: string,
  fence: Fence,
  quarantine: Quarantine,
): RunEntries & { forget(): void } {
  const queue = createQueues();

  const load = async () => {
    const entries = new Map<string, RunEntry>();
    for (const name of await namesIn(dir)) {
      const id = name.endsWith('.json') ? name.slice(0, -5) : '';
      if (!idPattern.run.test(id)) continue;
      const found = await readRecordFile(join(dir, name), id, RunEntryFile);
      if (found.kind === 'ok') entries.set(id, lasting(found.record));
      else if (found.kind === 'unreadable') await quarantine.take(join(dir, name), found.reason);
    }
    return entries;
  };
  const loaded = createLoaded(load);
  const entries = loaded.get;
  return {
    async get(id) {
      const known = (await entries()).get(id);
      if (known === undefined || !isTerminal(known.status)) return structuredClone(known ?? null);
      const found = await readRecordFile(join(dir, `${id}.json`), id, RunEntryFile);
      return structuredClone(found.kind === 'ok' ? found.record : known);
    },
    async glance(id) {
      return structuredClone((await entries()).get(id) ?? null);
    },
    put: (entry) =>
      queue(entry.id, async () => {
        const known = await entries();
        const text = `${JSON.stringify(RunEntryFile.parse(entry))}\n`;
        await writeAtomic(join(dir, `${entry.id}.json`), text, { fence });
        known.set(entry.id, lasting(RunEntryFile.parse(JSON.parse(text))));
      }),
    remove: (id) =>
      queue(id, async () => {
        if (!idPattern.run.test(id)) return;
        const known = await entries();
        await removeFile(join(dir, `${id}.json`), fence);
        known.delete(id);
      }),
    async all() {
      const known = await entries();
      return [...known.keys()].sort().flatMap((id) => structuredClone(known.get(id)) ?? []);
    },
    forget() {
      loaded.forget();
    },
  };
}

/** What is kept in memory of an entry. */
function lasting(entry: RunEntry): RunEntry {
  if (!isTerminal(entry.status)) return entry;
  return { ...entry, steps: entry.steps.map((step) => ({ ...step, result: null })) };
}

function createTokens(path: string, fence: Fence, quarantine: Quarantine) {
  const queue = createQueue();
  let tokens: TokensFile['tokens'] = [];
  let hashes = new Set<string>();
  const load = async () => {
    const text = await readText(path);
    const found = text === null ? { tokens: [] } : TokensFile.safeParse(parseJson(text)).data;
    // Without the old hashes an old token counts as a stranger's again, which harms nobody but its holder.
    if (found === undefined) await quarantine.take(path, 'It is not a list of token hashes.');
    tokens = found?.tokens ?? [];
    hashes = new Set(tokens.map(({ sha256 }) => sha256));
  };
  return {
    load,
    remember: (role: string, sha256: string) =>
      queue(async () => {
        if (hashes.has(sha256)) return;
        await load(); // an earlier holder of the claim may have added some since
        const next = [...tokens, { role, sha256 }];
        await writeAtomic(path, `${JSON.stringify({ tokens: next }, null, 2)}\n`, { fence });
        tokens = next;
        hashes.add(sha256);
      }),
    knew: (sha256: string) => hashes.has(sha256),
    hadOne: (role: string) => tokens.some((one) => one.role === role),
  };
}
