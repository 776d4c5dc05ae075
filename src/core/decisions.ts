import type { DraftRecord } from '../contract/records.ts';
import type { Decision, Ledger } from './ledger-ports.ts';
import type { Logger } from './ports.ts';

/**
 * What was decided about drafts, as the ledger knows it. A draft's file tells it too, but agents can write there: what
 * was rejected would wait again.
 */
export interface Decisions {
  of(draftId: string): Decision | undefined;
  /** The ids of all artifacts that a decision names. */
  artifacts(): ReadonlySet<string>;
  /**
   * A draft with the status that it truly has, whatever its file says. An artifact that only the file names may be any
   * other, so it is left out.
   */
  standing(draft: DraftRecord): DraftRecord;
  /**
   * Notes a decision, then carries out what follows from it. If that fails, nothing was decided.
   * @param follow writes the draft's file
   */
  around<T>(decision: Decision, follow: () => Promise<T>): Promise<T>;
  /** Forgets drafts that are gone. */
  drop(draftIds: readonly string[]): Promise<void>;
}

export async function openDecisions(
  { decided }: Pick<Ledger, 'decided'>,
  logger: Logger,
): Promise<Decisions> {
  const known = new Map((await decided.all()).map((decision) => [decision.id, decision]));
  const drop = async (ids: readonly string[]) => {
    await decided.drop(ids);
    for (const id of ids) known.delete(id);
  };
  return {
    of: (draftId) => known.get(draftId),
    artifacts: () => new Set([...known.values()].flatMap(({ approved_id }) => approved_id ?? [])),
    standing(draft) {
      const decision = known.get(draft.id);
      if (decision === undefined)
        return draft.approved_id === null ? draft : { ...draft, approved_id: null };
      if (decision.status === draft.status && decision.approved_id === draft.approved_id)
        return draft;
      const { status, approved_id, reject_reason = draft.reject_reason } = decision;
      return { ...draft, status, approved_id, reject_reason };
    },
    async around(decision, follow) {
      await decided.note(decision);
      known.set(decision.id, decision);
      try {
        return await follow();
      } catch (error) {
        await drop([decision.id]).catch((also: unknown) =>
          logger.log('error', `The draft ${decision.id} counts as decided: ${String(also)}`),
        );
        throw error;
      }
    },
    drop,
  };
}
