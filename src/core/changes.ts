import { GimoError } from '../contract/errors.ts';
import type { OutsideChange } from '../contract/rows/upkeep.ts';
import { type Audit, systemAct } from './audit.ts';
import { type ChangeSource, changeSources, type SourcePorts, unfit } from './change-sources.ts';
import { completeCopy } from './copies.ts';
import { canonical } from './digest.ts';
import type { Events } from './events.ts';
import type { Handlers } from './handlers.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Locks } from './locks.ts';
import { requireEditor } from './policy.ts';
import type { AuditFile, FoundDocument, Logger } from './ports.ts';
import type { Redactor } from './redaction.ts';
import { settleCopies, settleCopy } from './settle-copies.ts';

export interface ChangesPorts extends SourcePorts {
  ledger: Pick<Ledger, 'config' | 'provider' | 'allowlist' | 'mac'>;
  redactor: Redactor;
  audit: Pick<Audit, 'append'>;
  locks: Locks;
  events: Events;
  logger: Logger;
  hostedBy: 'editor' | 'headless';
}

/** What was changed in the workspace by hand: noticed, shown, and without effect until a person accepts it. */
export interface Changes {
  handlers: Pick<Handlers, 'listChanges' | 'acceptChange' | 'restoreChange'>;
  /** Looks whether a file is another than before (a stat each), moves keys out of it, and tells what is new. */
  look(): Promise<OutsideChange[]>;
  /** After a start: completes the copies of what was being set when a crash came. */
  settle(file: Pick<AuditFile, 'tail'>, audit: Audit): Promise<void>;
}

export function createChanges(ports: ChangesPorts): Changes {
  const { keys, redactor, locks, events, logger, ledger, audit, hostedBy } = ports;
  const sources = changeSources(ports);
  /** Of each file: what it was when it was looked at last, and what came of it. */
  const seen = new Map<ChangeSource, { mark: string; change: OutsideChange | null }>();

  /** The copies that are known to be owed, also to whoever reads the audit after a restart. */
  const noted = new Set<ChangeSource>();
  const note = async (source: ChangeSource, outcome: 'intent' | 'done') => {
    try {
      await audit.append(systemAct(settleCopy, source.what, 'upkeep'), outcome);
      return true;
    } catch (error) {
      if (!GimoError.is(error)) throw error;
      return false; // the disk that has no room for the copy may have none for this: the next look tries again
    }
  };
  /** @returns whether the file is only old, since its copy could not be written yet */
  const isOld = async (source: ChangeSource): Promise<boolean> => {
    const copy = await completeCopy(source.document);
    if (copy === 'owed' && !noted.has(source) && (await note(source, 'intent'))) noted.add(source);
    if (copy !== 'owed' && noted.delete(source)) await note(source, 'done');
    return copy === 'owed';
  };

  const refresh = async (source: ChangeSource): Promise<OutsideChange | null> => {
    if (await isOld(source)) return forget(source);
    const accepted = await source.accepted();
    const markNow = () => canonical([source.document.stamp(), accepted, keys.waiting()]);
    const before = seen.get(source);
    if (before?.mark === markNow()) return before.change;
    if (source.what === 'provider') await sweepOrTell(keys.sweep(), logger);
    const mark = markNow();
    const change = await evaluate(source, accepted, ledger, redactor, keys.waiting());
    seen.set(source, { mark, change });
    if (change?.digest !== before?.change?.digest) {
      events.publish({ type: 'changes', id: source.what });
      if (change !== null) logger.log('warn', told(change));
    }
    return change;
  };
  const forget = (source: ChangeSource) => {
    const had = seen.get(source)?.change ?? null;
    seen.delete(source);
    if (had !== null) events.publish({ type: 'changes', id: source.what });
    return null;
  };
  const known = () => [...seen.values()].flatMap(({ change }) => change ?? []);
  /* Each under the lock of its operations: what one of them is about to write is no change from outside. */
  const look = async () => {
    for (const source of sources) await locks.run(source.what, () => refresh(source));
    return known();
  };
  const find = (what: string): ChangeSource => {
    const source = sources.find((one) => one.what === what);
    if (source !== undefined) return source;
    throw new GimoError('not_found', 'There are changes of config, provider and allowlist only.');
  };
  const waiting = async (what: string) => {
    const source = find(what);
    // What is decided about is read now, whatever its file's time says.
    seen.set(source, { mark: '', change: seen.get(source)?.change ?? null });
    const change = await refresh(source);
    if (change !== null) return { source, change };
    throw new GimoError(
      'conflict_state',
      `What the file says of ${what} is what is in force, so there is nothing to decide.`,
    );
  };
  const done = async (source: ChangeSource) => {
    await refresh(source);
    return { body: known(), changes: source.changes };
  };

  return {
    look,
    settle: (file, audit) => settleCopies(sources, file, audit),
    handlers: {
      listChanges: { read: async () => ({ body: await look() }) },
      acceptChange: {
        lock: ({ what }) => what,
        async prepare({ what, digest }, call) {
          const { source, change } = await waiting(what);
          if (digest !== undefined && digest !== change.digest) throw changedMeanwhile();
          if (change.problem !== null) throw unfit(change.problem);
          const found = await source.document.look();
          if (
            found.state !== 'json' ||
            digestOf(source, found, ledger, keys.waiting()) !== change.digest
          )
            throw changedMeanwhile();
          if (source.needsEditor(found.value)) requireEditor(call, hostedBy);
          const accept = source.prepare(found.value);
          return {
            target: what,
            async effect() {
              await accept();
              return done(source);
            },
          };
        },
      },
      restoreChange: {
        lock: ({ what }) => what,
        async prepare({ what }) {
          const { source } = await waiting(what);
          return {
            target: what,
            async effect() {
              await source.restore();
              const { body } = await done(source);
              return { body, changes: [] };
            },
          };
        },
      },
    },
  };
}

const told = ({ what, problem }: OutsideChange) =>
  `${what}.json was changed outside and has no effect: accept it or restore it. ${problem ?? ''}`.trim();

/** Looking must not fail because a key cannot be moved now: it is not shown either way, and is moved the next time. */
async function sweepOrTell(sweep: Promise<void>, logger: Logger) {
  try {
    await sweep;
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    logger.log('error', `A key in provider.json could not be moved away: ${error.message}`);
  }
}

const digestOf = (
  { what }: ChangeSource,
  found: FoundDocument,
  ledger: Pick<Ledger, 'mac'>,
  keys: readonly string[],
) =>
  ledger.mac(
    'audit',
    `gimo-change-v1\n${canonical([what, found, what === 'provider' ? keys : []])}`,
  );

async function evaluate(
  source: ChangeSource,
  accepted: unknown,
  ledger: Pick<Ledger, 'mac'>,
  redactor: Redactor,
  keys: readonly string[],
): Promise<OutsideChange | null> {
  const found = await source.document.look();
  if (found.state === 'missing' && !(await source.wasAccepted())) return null;
  if (found.state === 'json' && (await source.same(found.value))) return null;
  const change = {
    ...{ what: source.what, accepted, notes: [], problem: null },
    digest: digestOf(source, found, ledger, keys),
  };
  if (found.state === 'missing')
    return { ...change, found: null, problem: 'The file is gone. Restore what was accepted.' };
  if (found.state === 'unreadable') return { ...change, found: found.why, problem: found.why };
  return {
    ...change,
    found: shown(found.value, redactor),
    problem: problemOf(source, found.value),
    notes: source.notes(found.value),
  };
}

function problemOf(source: ChangeSource, value: unknown): string | null {
  try {
    source.prepare(value);
    return null;
  } catch (error) {
    if (GimoError.is(error, 'validation_error')) return error.message;
    throw error;
  }
}

/** What a file says, without keys: a file that nobody has accepted may hold anything anywhere. */
function shown(value: unknown, redactor: Redactor): unknown {
  if (typeof value === 'string') return redactor.redact(value);
  if (Array.isArray(value)) return value.map((one: unknown) => shown(one, redactor));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]: [string, unknown]) => [
      redactor.redact(field),
      field === 'api_key' ? null : shown(inner, redactor),
    ]),
  );
}

const changedMeanwhile = () =>
  new GimoError(
    'stale',
    'The file is not what you saw, and nothing was accepted. Read the changes again, then decide.',
  );
