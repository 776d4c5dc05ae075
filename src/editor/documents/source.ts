import type { Disposable } from 'vscode';
import type { Served } from '../../http/served.ts';

/** Where the documents of drafts come from. */
export interface HostSource {
  /** The server of this window; null while there is none. */
  host(): Served | null;
  /** Whether one is about to be there: it starts, or is taken over from a window that went away. */
  starting(): boolean;
  /** Calls back whenever one of the two has changed. */
  onHostChange(listener: () => void): Disposable;
}

export interface PatientSource extends HostSource, Disposable {
  /**
   * The server, or the one that is about to be there: a window that opens again asks for the texts of its tabs before its
   * server runs. A server that was stopped is not waited for.
   */
  soon(): Promise<Served | null>;
}

/** @param patienceMs how long a server that starts is waited for, in milliseconds */
export function patientSource(source: HostSource, patienceMs: number): PatientSource {
  const waiting = new Set<() => void>();
  const decided = () => source.host() !== null || !source.starting();
  return {
    host: () => source.host(),
    starting: () => source.starting(),
    onHostChange: (listener) => source.onHostChange(listener),
    async soon() {
      if (!decided())
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            subscription.dispose();
            waiting.delete(done);
            resolve();
          };
          const timer = setTimeout(done, patienceMs);
          const subscription = source.onHostChange(() => {
            if (decided()) done();
          });
          waiting.add(done);
        });
      return source.host();
    },
    dispose() {
      for (const done of waiting) done();
    },
  };
}
