import { GimoError } from '../contract/errors.ts';
import { type Audit, systemAct } from './audit.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Logger, Store } from './ports.ts';
import { writeRunFile } from './run-view.ts';
import type { Workspace } from './work.ts';

export interface UndoPorts {
  store: Pick<Store, 'runs'>;
  ledger: Pick<Ledger, 'runs'>;
  workspace: Pick<Workspace, 'undo' | 'undoing'>;
  audit: Audit;
  clock: Clock;
  logger: Logger;
}

/** Takes back what runs did to files. */
export interface Undo extends Pick<Workspace, 'undo'> {
  /** After a start: brings to their end those that a crash has cut off. */
  recover(): Promise<void>;
}

export function createUndo(ports: UndoPorts): Undo {
  const { store, ledger, workspace, audit, clock, logger } = ports;

  /** Keeps on the run that it was undone, so that nobody is offered to do it again. */
  const note = async (runId: string) => {
    const entry = await ledger.runs.get(runId);
    if (entry === null || entry.undone_at !== undefined) return;
    const undone = { ...entry, undone_at: timestamp(clock) };
    try {
      await ledger.runs.put(undone);
      const file = await store.runs.get(runId);
      if (file !== null) await writeRunFile(store, undone, file.log);
    } catch (error) {
      // The files are back, which is what counts. Another undo finds nothing to do, and notes it then.
      if (!GimoError.is(error)) throw error;
      logger.log('warn', `${runId} does not tell that it was undone: ${error.message}`);
    }
  };
  const undo: Undo['undo'] = async (runId) => {
    const became = await workspace.undo(runId);
    if (became.left.length === 0) await note(runId);
    return became;
  };
  return {
    undo,
    async recover() {
      for (const runId of await workspace.undoing())
        try {
          await audit.around(systemAct('finishUndo', runId), () => undo(runId));
        } catch (error) {
          logger.log('error', `the undo of ${runId} could not be finished: ${String(error)}`);
        }
    },
  };
}
