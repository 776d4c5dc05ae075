import type { Session } from './deps.ts';

/** Does something that goes on until Ctrl-C, which then aborts the signal instead of ending the process. */
export async function untilInterrupt<T>(
  { deps }: Pick<Session, 'deps'>,
  job: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  deps.signals.on('SIGINT', onInterrupt);
  try {
    return await job(stop.signal);
  } finally {
    deps.signals.off('SIGINT', onInterrupt);
  }
}
