import type { LockLevel } from '../contract/rows/security.ts';
import type { ServerState } from './server/server.ts';
import { countedSome } from './text.ts';

/** How the item in the status bar looks. */
export interface StatusLook {
  /** With codicons. */
  text: string;
  tooltip: string;
  /** What a screen reader says. */
  spoken: string;
  failed: boolean;
  /** Whether nothing new is done until a person resolves it. */
  locked: boolean;
}

/** How much waits for a person. */
export interface Waiting {
  drafts: number;
  /** Gates that runs wait at. */
  gates: number;
  /** Questions of clients that no draft and no run stands for. */
  requests: number;
}

/** @param lock how far the server is locked; null while nobody knows */
export function statusLook(
  state: StatusState,
  { drafts, gates, requests }: Waiting,
  lock: LockLevel | null,
): StatusLook {
  const locked = state.name === 'running' && lock === 'all';
  const stands = wordsOf(state);
  const icon = locked ? 'lock' : stands.icon;
  const words = [stands.words, ...(state.name === 'running' ? lockedOf(lock) : [])].join('; ');
  const waiting = drafts + gates + requests;
  const some = countedSome([drafts, 'draft'], [gates, 'gate'], [requests, 'request']).join(' and ');
  const verb = waiting === 1 ? 'waits' : 'wait';
  const waits = state.name === 'running' && waiting > 0;
  return {
    text: [
      ...[`$(${icon}) GIMO`, ...shortOf(state), ...(locked ? ['locked down'] : [])],
      ...(waits ? [`$(bell-dot) ${waiting}`] : []),
    ].join(' '),
    tooltip: `GIMO: ${words}${waits ? `; ${some} ${verb} for you` : ''}. Click for more.`,
    spoken: `GIMO, ${words}${waits ? `, ${some} ${verb} for you` : ''}`,
    failed: state.name === 'failed',
    locked,
  };
}

function lockedOf(lock: LockLevel | null): string[] {
  if (lock === 'all') return ['it is locked down, so nothing new starts until you resolve it'];
  return lock === 'strangers' ? ['callers without a valid token are turned away'] : [];
}

/** What the item needs to know of the server. */
export type StatusState =
  | { name: 'running'; host: { port: number; attached: boolean } }
  | { name: Exclude<ServerState['name'], 'running'> | 'untrusted' };

function wordsOf(state: StatusState): { icon: string; words: string } {
  switch (state.name) {
    case 'running':
      return state.host.attached
        ? {
            icon: 'plug',
            words: `attached to the server of another window, on port ${state.host.port}`,
          }
        : { icon: 'shield', words: `the server listens on port ${state.host.port}` };
    case 'starting':
      return { icon: 'loading~spin', words: 'the server starts' };
    case 'stopped':
      return { icon: 'circle-slash', words: 'the server is stopped' };
    case 'untrusted':
      return { icon: 'workspace-untrusted', words: 'no server, as this folder is not trusted' };
    case 'failed':
      return { icon: 'error', words: 'the server could not start' };
  }
}

function shortOf(state: StatusState): string[] {
  if (state.name === 'running') return [String(state.host.port)];
  return state.name === 'starting' ? [] : [state.name];
}
