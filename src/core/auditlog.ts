import type { AuditEntry } from '../contract/rows/security.ts';
import { parseLine, type Verdict, verifyAudit } from './audit.ts';
import type { Handlers } from './handlers.ts';
import type { Ledger } from './ledger-ports.ts';
import type { AuditFile } from './ports.ts';
import type { Redactor } from './redaction.ts';

export interface AuditLogPorts {
  file: Pick<AuditFile, 'lines' | 'tail' | 'witnessed'>;
  ledger: Pick<Ledger, 'mac'>;
  redactor: Redactor;
}

/** The audit for reading. It lies in the workspace, so whatever is read here may be anybody's text. */
export interface AuditLog {
  /** The last line, redacted; null if there is none. */
  lastLine(): Promise<string | null>;
  handlers: Pick<Handlers, 'getUiAudit' | 'listAudit' | 'verifyAudit'>;
}

export function createAuditLog({ file, ledger, redactor }: AuditLogPorts): AuditLog {
  const tail = async (most: number) =>
    (await file.tail(most)).map((line) => redactor.redact(line).toWellFormed());

  const entriesAfter = async (after: number, limit: number) => {
    const entries: AuditEntry[] = [];
    for await (const line of file.lines(after + 1)) {
      const entry = parseLine(line);
      // What is no entry is told by the verdict, not here.
      if (entry === null || entry.seq <= after) continue;
      entries.push(redacted(entry, redactor));
      if (entries.length === limit) break;
    }
    return entries;
  };

  /** One look serves all who ask while it lasts: it reads the whole chain. */
  let looking: Promise<{ verdict: Verdict; at: number | null }> | undefined;
  const verify = () => {
    looking ??= verifyAudit(file, ledger).finally(() => {
      looking = undefined;
    });
    return looking;
  };

  return {
    lastLine: async () => (await tail(1)).at(-1) ?? null,
    handlers: {
      getUiAudit: { read: async ({ limit }) => ({ body: { lines: await tail(limit) } }) },
      listAudit: {
        async read({ after, limit }) {
          const entries = await entriesAfter(after, limit);
          return { body: { entries, next: entries.at(-1)?.seq ?? after } };
        },
      },
      verifyAudit: {
        async read() {
          const { verdict, at } = await verify();
          return { body: { verdict, at } };
        },
      },
    },
  };
}

function redacted(entry: AuditEntry, redactor: Redactor): AuditEntry {
  const { actor, operation, target, correlation_id } = entry;
  const clean = (text: string) => redactor.redact(text).toWellFormed();
  return {
    ...entry,
    actor: clean(actor),
    operation: clean(operation),
    target: target === null ? null : clean(target),
    correlation_id: clean(correlation_id),
  };
}
