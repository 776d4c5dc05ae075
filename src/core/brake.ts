import type { Panic } from './panic.ts';
import type { Logger } from './ports.ts';
import type { RunBook } from './runbook.ts';
import type { Worker } from './work.ts';

/* What a lockdown does to runs. */

/** The book as a worker sees it: in a lockdown nothing waits in it, and nothing begins. */
export function braked(book: RunBook, panic: Pick<Panic, 'mayRun'>): RunBook {
  return {
    ...book,
    waiting: () => (panic.mayRun() ? book.waiting() : []),
    begin: async (runId) => (panic.mayRun() ? book.begin(runId) : null),
  };
}

/**
 * At a lockdown runs that change something are stopped; those that only ask a model come to their end, for all that
 * they leave is text. When it is over, what waits goes on.
 */
export function stopOrGoOn(
  panic: Pick<Panic, 'mayRun'>,
  book: Pick<RunBook, 'working' | 'entry' | 'log'>,
  worker: Worker,
  logger: Logger,
): void {
  if (panic.mayRun()) {
    worker.wake();
    return;
  }
  for (const runId of book.working()) {
    if (book.entry(runId)?.steps.every(({ kind }) => kind === 'prompt') !== false) continue;
    book.log(runId, 'WARNING', 'GIMO was locked down, so this run is stopped.');
    worker.halt(runId).catch((error: unknown) => {
      logger.log('error', `${runId} could not be stopped at the lockdown: ${String(error)}`);
    });
  }
}
