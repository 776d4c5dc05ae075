import { codeOf, messageOf } from '../messages.ts';
import type { EditAddress } from './addresses.ts';
import { type Bases, changeOf, type DraftChange, sameWork, type Version } from './bases.ts';
import type { DraftReader } from './draftReader.ts';

/** A save that would have overwritten what the person has not seen. The text stays in the editor. */
export class SaveConflict extends Error {
  override readonly name = 'SaveConflict';
  /** What to do next; empty if that is said already. */
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}

const words = {
  changed: 'The draft has changed since this text was made from it, so nothing was saved.',
  unknownBase:
    'GIMO does not know any more from which version of the draft this text was made, so nothing was saved.',
  compare: 'Compare the two, then save again or discard yours.',
};

const holds = ({ draft }: Version, change: DraftChange) =>
  'prompt' in change ? draft.prompt === change.prompt : draft.content === change.content;

/**
 * Saves the text of a file as a change of its draft, one save after the other: the two files of a draft would else
 * refuse each other's version.
 *
 * @returns a function that throws {@link SaveConflict} if the draft is not any more what the text was made from, a
 *   `Refusal` if no draft could have this text, and else as the client does
 */
export function createSaver(
  drafts: DraftReader,
  bases: Bases,
): (address: EditAddress, text: string) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();

  const put = async ({ id, part }: EditAddress, text: string, base: Version) => {
    const change = changeOf(part, text, base);
    try {
      return await drafts.edit(id, change, base.etag);
    } catch (error) {
      if (codeOf(error) !== 'stale' && codeOf(error) !== 'not_writer') throw error;
      const now = await drafts.read(id);
      // The server may have saved it, and gone away before it said so.
      if (holds(now, change)) return now;
      if (!sameWork(base, now)) throw new SaveConflict(words.changed, words.compare, error);
      return await drafts.edit(id, change, now.etag);
    }
  };
  const save = async (address: EditAddress, text: string) => {
    if (bases.of(address) === undefined) bases.recognize(address, await drafts.read(address.id));
    const base = bases.of(address)?.version;
    if (base === undefined) throw new SaveConflict(words.unknownBase, words.compare);
    try {
      bases.saved(address, base, await put(address, text, base));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'stale') throw new SaveConflict(words.changed, words.compare, error);
      if (code === 'conflict_state') throw new SaveConflict(messageOf(error), '', error);
      throw error;
    }
  };

  return (address, text) => {
    const job = last.then(() => save(address, text));
    // What went wrong is told to who asked for it; the next save is another matter.
    last = job.catch(() => {});
    return job;
  };
}
