import type { RunStep } from './records.ts';

/** Where a run is: its first step that has not been done. At a gate it is the gate. */
export const nextStep = (steps: readonly RunStep[]): RunStep | undefined =>
  steps.find(({ status }) => status !== 'done');

/** Whether a run waits for a person at this step. */
export const isWaitingGate = ({ kind, status }: Pick<RunStep, 'kind' | 'status'>): boolean =>
  kind === 'gate' && status === 'running';
