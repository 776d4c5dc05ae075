import type { ServerState } from './server.ts';

/** How the item in the status bar looks. */
export interface StatusLook {
  /** With codicons. */
  text: string;
  tooltip: string;
  /** What a screen reader says. */
  spoken: string;
  failed: boolean;
}

/** How much waits for a person. */
export interface Waiting {
  drafts: number;
  /** Gates that runs wait at. */
  gates: number;
}

export function statusLook(state: StatusState, { drafts, gates }: Waiting): StatusLook {
  const { icon, words } = wordsOf(state);
  const waiting = drafts + gates;
  const some = [...counted(drafts, 'draft'), ...counted(gates, 'gate')].join(' and ');
  const verb = waiting === 1 ? 'waits' : 'wait';
  const waits = state.name === 'running' && waiting > 0;
  return {
    text: [`$(${icon}) GIMO`, ...shortOf(state), ...(waits ? [`$(bell-dot) ${waiting}`] : [])].join(
      ' ',
    ),
    tooltip: `GIMO: ${words}${waits ? `; ${some} ${verb} for you` : ''}. Click for more.`,
    spoken: `GIMO, ${words}${waits ? `, ${some} ${verb} for you` : ''}`,
    failed: state.name === 'failed',
  };
}

const counted = (count: number, what: string): string[] =>
  count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`];

/** What the item needs to know of the server. */
export type StatusState =
  | { name: 'running'; host: { port: number; attached: boolean } }
  | { name: Exclude<ServerState['name'], 'running'> };

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
    case 'failed':
      return { icon: 'error', words: 'the server could not start' };
  }
}

function shortOf(state: StatusState): string[] {
  if (state.name === 'running') return [String(state.host.port)];
  return state.name === 'starting' ? [] : [state.name];
}
