import type { Disposable } from 'vscode';
import type { Served } from '../../http/served.ts';

/** Where the documents of drafts come from. */
export interface HostSource {
  /** The server of this window; null while there is none. */
  host(): Served | null;
  /** Calls back whenever {@link HostSource.host} has changed. */
  onHostChange(listener: () => void): Disposable;
}

export interface PatientSource extends HostSource, Disposable {
  /**
   * The server, or the one that is about to start: a window that opens again asks for the texts of its tabs before its
   * server runs. Only at first: a server that was stopped is not waited for.
   */
  soon(): Promise<Served | null>;
}

/** @param patienceMs how long after now a server is waited for, in milliseconds */
export function patientSource(source: HostSource, patienceMs: number): PatientSource {
  let over = () => {};
  const started = new Promise<void>((resolve) => {
    over = resolve;
  });
  const timer = setTimeout(over, patienceMs);
  const subscription = source.onHostChange(() => {
    if (source.host() !== null) over();
  });
  if (source.host() !== null) over();
  return {
    host: () => source.host(),
    onHostChange: (listener) => source.onHostChange(listener),
    async soon() {
      if (source.host() === null) await started;
      return source.host();
    },
    dispose() {
      clearTimeout(timer);
      over();
      subscription.dispose();
    },
  };
}

/** The code of an error that crossed the boundary; null of any other. Its class is not loaded here, see `messageOf`. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'GimoError' || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
