import type { FromPanel } from '../../src/contract/panel.ts';
import {
  cancellable,
  isLive,
  isPausing,
  leavesChanges,
  pausable,
  type RunMessage,
  resumable,
  type State,
  undoable,
} from '../state.ts';
import type { ButtonLook } from '../toolkit/controls.ts';
import { gateAt } from './gate.ts';

/** What can be done about a run as it stands. */
export function runButtons(
  shown: RunMessage,
  state: State,
  ask: (what: string, message: FromPanel) => void,
): ButtonLook[] {
  const run_id = shown.run.id;
  const button = (
    label: string,
    what: string,
    message: FromPanel,
    more: Pick<ButtonLook, 'kind' | 'disabled'>,
  ): ButtonLook => ({ label, key: message.type, ...more, press: () => ask(what, message) });
  if (!isLive(shown)) {
    const disabled = undoable(state) === null;
    return leavesChanges(shown)
      ? [button('Undo…', 'Undoing', { type: 'undo', run_id }, { disabled })]
      : [];
  }
  const cancel = button(
    'Cancel Run',
    'Stopping',
    { type: 'cancel', run_id },
    { disabled: cancellable(state) === null },
  );
  const pause = { disabled: pausable(state) === null };
  if (shown.run.status !== 'paused')
    return [button('Pause', 'Pausing', { type: 'pause', run_id }, pause), cancel];
  const label = gateAt(shown) === null ? 'Resume' : 'Continue';
  const seen = shown.run.steps.map(({ status }) => status);
  const resume = { kind: 'primary', disabled: resumable(state) === null } as const;
  return [button(label, 'Going on', { type: 'resume', run_id, seen }, resume), cancel];
}

/** What a person should know while they decide. */
export function runWords(shown: RunMessage): string | null {
  if (isPausing(shown)) return 'It pauses when the step that is under way has ended.';
  if (shown.run.status === 'paused')
    return gateAt(shown) === null
      ? 'Paused. What comes next stands above.'
      : 'It waits at a gate. What comes next stands above.';
  return null;
}
