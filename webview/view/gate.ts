import type { Step } from '../../src/contract/records.ts';
import { plain } from '../hidden.ts';
import type { RunMessage } from '../state.ts';
import { h } from './dom.ts';
import { empty, type Page } from './parts.ts';
import { foundIn, kindTitles, stepRow, upToGate } from './steps.ts';

/** The place of the gate at which a run waits, from 0; null if it waits at none. */
export function gateAt({ run }: RunMessage): number | null {
  if (run.status !== 'paused') return null;
  const at = run.steps.findIndex(({ kind, status }) => kind === 'gate' && status === 'running');
  return at === -1 ? null : at;
}

/** What a paused run does when somebody lets it go on, up to the next gate, with nothing left out. */
export function whatComesNext(message: RunMessage, page: Page): HTMLElement[] {
  const { run, approved } = message;
  if (run.status !== 'paused') return [];
  const gate = gateAt(message);
  const first = run.steps.findIndex(({ status }) => status === 'waiting');
  const next = upToGate(run.steps, gate ?? (first === -1 ? run.steps.length : first) - 1);
  const title = gate === null ? 'Paused' : `Waits at a gate${titleOf(approved?.steps?.[gate])}`;
  return [
    h(
      'section',
      { class: 'part next', 'aria-labelledby': 'part-next' },
      h('div', { class: 'part-head' }, h('h2', { id: 'part-next' }, title)),
      ...body(next, message, page),
      afterwards(next, message),
    ),
  ];
}

function body(
  next: readonly number[],
  { approved, looked }: RunMessage,
  page: Page,
): HTMLElement[] {
  if (next.length === 0) return [empty('Nothing comes after it: the run ends.')];
  const steps = approved?.steps ?? null;
  if (steps === null)
    return [empty('One step comes next: a model is asked with the prompt and the content.')];
  const rows = next.flatMap((at) => {
    const step = steps[at];
    if (step === undefined) return [];
    const { element } = stepRow(step, at, steps, foundIn(looked, next[0]), page);
    // The same steps stand below, with how they went.
    element.id = `next-${at}`;
    element.setAttribute('value', String(at + 1));
    return [element];
  });
  return [empty('If it goes on, this comes next:'), h('ol', { class: 'steps' }, ...rows)];
}

function afterwards(next: readonly number[], { run }: RunMessage): HTMLElement | null {
  const stop = run.steps[(next.at(-1) ?? run.steps.length) + 1];
  if (next.length === 0 || stop === undefined) return null;
  return empty(`Then it waits again: ${kindTitles[stop.kind].toLowerCase()}.`);
}

const titleOf = (step: Step | undefined) =>
  step?.title === undefined ? '' : `: “${plain(step.title)}”`;
