import { GimoError } from '../contract/errors.ts';
import type { EditResult, EditStep } from '../contract/records.ts';
import { sha256 } from '../core/hash.ts';
import { placeholder } from '../core/redaction.ts';
import type { FileVersion, OldVersions, StepContext } from '../core/work.ts';
import { collisions, named, partsOf, Refused } from './place.ts';
import { folderVersion, type PutBack, restoreStep, tell, whyOf } from './restore.ts';
import { swap, tempsOf, unsaved } from './swap.ts';
import { decode, encode } from './text.ts';
import { type Ground, largestFile, nameOf, onTheWay, type Standing, standing } from './way.ts';

type Change = EditStep['changes'][number];

/** A change whose place and base are as they have to be. */
interface Planned {
  version: FileVersion;
  /** What the file is now. */
  bytes: Buffer | null;
  next: { bytes: Buffer; mode: number | null } | null;
  /** The folders on its way that were there, and the paths of those that were not. */
  known: readonly string[];
  missing: string[];
}

/**
 * Carries out an edit step: looks at all of it first, keeps what the files are, then replaces one after the other. On a
 * failure, or when it is aborted, what was changed is put back.
 *
 * @throws GimoError that tells why, and what became of the files. If it was aborted: the signal's reason, or, if not every
 *   file could be put back, a GimoError that tells so, with the reason as its cause
 */
export async function edit(
  ground: Ground,
  versions: OldVersions,
  step: Pick<EditStep, 'id' | 'changes'>,
  context: Pick<StepContext, 'runId' | 'signal' | 'log'>,
): Promise<EditResult> {
  const { runId, signal, log } = context;
  const plan = await checked(ground, step.changes, signal);
  const folders = [...new Set(plan.flatMap(({ missing }) => missing))].map(folderVersion);
  signal.throwIfAborted();
  await versions.keep(runId, step.id, [
    ...folders.map((folder) => ({ ...folder, bytes: null })),
    ...plan.map(({ version, bytes }) => ({ ...version, bytes })),
  ]);
  const made = new Set<string>();
  let begun = 0;
  try {
    for (const one of plan) {
      signal.throwIfAborted();
      begun += 1;
      await carryOut(ground, one, made, tempsOf(runId, step.id));
      log('INFO', `${didOf(one.version)} ${named(one.version.path)}`);
    }
    signal.throwIfAborted();
  } catch (error) {
    const all = plan.map(({ version }) => version);
    const became = await restoreStep(ground, versions, {
      ...{ runId, stepId: step.id, files: [...folders, ...all.slice(0, begun)] },
      untouched: all.slice(begun).map(({ path }) => path),
    });
    logged(became, log);
    if (signal.aborted) throw aborted(signal, became);
    throw failure(`${named(plan[begun - 1]?.version.path ?? '')}: ${whyOf(error)} ${tell(became)}`);
  }
  return { files: plan.map(resultOf) };
}

/** Why an aborted step ends: what has asked for it; but files that are not as they were have to be told. */
function aborted({ reason }: AbortSignal, became: readonly PutBack[]): unknown {
  if (became.every(({ why }) => why === null)) return reason;
  const message = `The step was stopped, and not every file could be put back. ${tell(became)}`;
  return new GimoError('conflict_state', message, { cause: reason });
}

const failure = (message: string) => new GimoError('conflict_state', message);

const didOf = ({ before, after }: FileVersion) =>
  before === null ? 'created' : after === null ? 'deleted' : 'changed';

const resultOf = ({ version }: Planned): EditResult['files'][number] => ({
  ...{ path: version.path, did: didOf(version), sha256: version.after },
});

async function carryOut(ground: Ground, one: Planned, made: Set<string>, temps: string) {
  const { path, before, after } = one.version;
  const expected = before?.sha256 ?? null;
  if (expected === after) return; // it is so already
  const passage = { known: one.known, made };
  await swap(ground, { path, expected, next: one.next, passage, temps });
}

function logged(became: readonly PutBack[], log: StepContext['log']): void {
  for (const { path, why, did } of became)
    if (why !== null) log('WARN', `left ${named(path)}: ${why}`);
    else if (did) log('INFO', `put back ${named(path)}`);
}

/** How many refusals are told at once. */
const mostTold = 10;

/** Looks at every change. @throws GimoError that tells what stands against it; nothing has changed then */
async function checked(
  ground: Ground,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<Planned[]> {
  const plan: Planned[] = [];
  const refused = collisions(changes.map(({ path }) => path));
  let kept = 0;
  for (const change of changes) {
    signal.throwIfAborted();
    try {
      const one = await planned(ground, change);
      kept += one.bytes?.length ?? 0;
      if (kept > largestFile) throw new Refused(tooMuch);
      plan.push(one);
    } catch (error) {
      refused.push({ path: change.path, why: whyOf(error) });
      if (kept > largestFile) break;
    }
  }
  if (refused.length === 0) return plan;
  const told = refused.slice(0, mostTold).map(({ path, why }) => `${named(path)}: ${why}`);
  if (refused.length > mostTold) told.push(`And ${refused.length - mostTold} more.`);
  throw failure(`Nothing was changed. ${told.join(' ')}`);
}

const tooMuch = `The files of the step hold more than ${largestFile / 2 ** 20} MiB together, more than is kept of them. Spread them over several steps.`;

async function planned(ground: Ground, change: Change): Promise<Planned> {
  const { path, text } = change;
  const parts = partsOf(path);
  const { ids, found } = await onTheWay(ground, path, null, async (way) => ({
    ids: way.ids,
    found: way.folder && (await standing(ground.disk, way.folder, nameOf(path))),
  }));
  if (ground.isUnsaved(path)) throw unsaved();
  checkBase(change, found?.sha256 ?? null);
  const bytes = text === null ? null : newBytes(text, found);
  const before = found && { sha256: found.sha256, mode: found.mode };
  return {
    version: { path, before, after: bytes && sha256(bytes) },
    bytes: found?.bytes ?? null,
    // Not the bits that lend somebody else's rights: those were given to the old contents.
    next: bytes && { bytes, mode: found && found.mode & 0o777 },
    known: ids,
    missing: parts.slice(0, -1).flatMap((_, n) => {
      const isThere = n + 1 < ids.length;
      return isThere ? [] : [parts.slice(0, n + 1).join('/')];
    }),
  };
}

function checkBase({ base_sha256: base, text }: Change, now: string | null): void {
  if (base === undefined)
    throw new Refused('Its base is not known: nobody noted what the change was made from.');
  if (base === null && text === null) throw new Refused('There is nothing to delete.');
  if (base === now) return;
  if (base === null) throw new Refused('It exists by now, and the change was to make it.');
  if (now === null) throw new Refused('It is gone, and the change was made from it.');
  throw new Refused('It was changed since: it is not the file that the change was made from.');
}

/** What is written: the text as it was approved, in the encoding that the file has. */
function newBytes(text: string, base: Standing | null): Buffer {
  if (!text.isWellFormed())
    throw new Refused('The new text holds half a character (a lone surrogate).');
  const old = base && decode(base.bytes);
  if (base !== null && old === null)
    throw new Refused(
      'It is neither UTF-8 nor UTF-16 with a byte order mark, and an edit would change its encoding. Use a command step.',
    );
  if (text.includes(placeholder) && !old?.text.includes(placeholder))
    throw new Refused(
      `The new text holds ${placeholder}, which stands where a secret was left out. Put in what belongs there.`,
    );
  return encode(text, old?.encoding ?? 'utf-8');
}
