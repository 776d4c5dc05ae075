import { hasEffects } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord } from '../contract/records.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import type { Logger } from './ports.ts';

/**
 * Which approvals are spent: one with effects makes one run, whatever comes of it (DESIGN, section 4). The ledger's
 * entry of the run is what counts; a note of its own outlasts it.
 */
export interface Consumption {
  /** The run that an approval was spent on, or null. Costs no look at the disk. */
  runOf(approvedId: string): string | null;
  /**
   * Spends an approval while its run is made; if that fails it is as before, once nothing is left of the run.
   * @param make makes the run's entry
   * @throws GimoError `approval_consumed` if it is spent already, also on a run that is being made
   */
  spend<T>(artifact: ApprovedRecord, runId: string, make: () => Promise<T>): Promise<T>;
  /** Notes what could not be noted when it was spent. Call it before entries of runs are removed. */
  settle(): Promise<void>;
}

/** Opens what is spent, and notes what a crash kept from being noted. */
export async function openConsumption(
  ledger: Pick<Ledger, 'consumed' | 'runs'>,
  logger: Logger,
): Promise<Consumption> {
  const spent = new Map((await ledger.consumed.all()).map(({ id, run_id }) => [id, run_id]));
  const unnoted = new Map<string, string>();
  // Two entries of one approval: one of them was refused, and its entry could not be removed. It has not begun.
  const entries = (await ledger.runs.all()).filter(changesSomething);
  for (const { id, approved_id } of [...entries.filter(hasBegun), ...entries])
    if (!spent.has(approved_id)) {
      spent.set(approved_id, id);
      unnoted.set(approved_id, id);
    }

  const note = async (id: string, run_id: string) => {
    unnoted.set(id, run_id);
    await ledger.consumed.note({ id, run_id });
    unnoted.delete(id);
  };
  const settle = async () => {
    for (const [id, runId] of unnoted) await note(id, runId);
  };
  /** What could not be noted is known from the run's entry, and is noted again before that goes. */
  const noteOrTell = async (id: string, runId: string) => {
    try {
      await note(id, runId);
    } catch (error) {
      logger.log('warn', `that ${id} was spent on ${runId} is not noted yet: ${String(error)}`);
    }
  };

  /** Until it is, it may begin after a restart. */
  const isGone = async (runId: string) => {
    try {
      await ledger.runs.remove(runId);
      return true;
    } catch (error) {
      logger.log('error', `the entry of ${runId} could not be removed: ${String(error)}`);
      return false;
    }
  };

  await settle();
  return {
    runOf: (approvedId) => spent.get(approvedId) ?? null,
    async spend(artifact, runId, make) {
      if (!hasEffects(artifact.steps)) return make();
      const before = spent.get(artifact.id);
      if (before !== undefined) throw spentOn(before);
      spent.set(artifact.id, runId);
      try {
        const made = await make();
        await noteOrTell(artifact.id, runId);
        return made;
      } catch (error) {
        if (await isGone(runId)) spent.delete(artifact.id);
        throw error;
      }
    },
    settle,
  };
}

const changesSomething = ({ steps }: Pick<RunEntry, 'steps'>) =>
  steps.some(({ kind }) => kind === 'edit' || kind === 'command');

const hasBegun = ({ attempt, status }: RunEntry) => attempt > 0 || status === 'done';

/** Why an approval makes no further run. */
export const spentOn = (runId: string): GimoError =>
  new GimoError(
    'approval_consumed',
    `This approval was for one run, and ${runId} was made of it. Approve the work again to run it again.`,
  );
