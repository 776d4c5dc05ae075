import type { RunRecord, RunStep, Step } from '../contract/records.ts';
import { isWaitingGate } from '../contract/steps.ts';
import { visibleJson } from '../contract/visible.ts';
import { countedSome, oneLine, visible, wrapped } from './text.ts';

/* Steps in words, for lists that a person reads before they say yes. */

export const kindWords = {
  prompt: 'Ask the model',
  edit: 'Change files',
  command: 'Run a command',
  gate: 'Wait for a person',
} as const satisfies Record<RunStep['kind'], string>;

/** A command line on one line: words that a reader could misread are quoted as JSON does it, so nothing is lost. */
export function commandLine(argv: readonly string[]): string {
  const plain = /^[A-Za-z0-9_@%+=:,./\\-]+$/;
  return argv.map((word) => (plain.test(word) ? word : visibleJson(word, 0))).join(' ');
}

/**
 * What a run carries out when it goes on: the steps after the gate that it waits at, up to and with the next gate.
 *
 * @param approved the steps that were approved; null of a text-only artifact, whose one step is the prompt
 */
export function comingSteps(
  run: Pick<RunRecord, 'steps'>,
  approved: readonly Step[] | null,
): { number: number; step: RunStep; approved: Step | null }[] {
  const open = run.steps
    .map((step, at) => ({
      ...{ number: at + 1, step },
      approved: approved?.find(({ id }) => id === step.id) ?? null,
    }))
    .filter(({ step }) => step.status !== 'done' && !isWaitingGate(step));
  const gate = open.findIndex(({ step }) => step.kind === 'gate');
  return gate === -1 ? open : open.slice(0, gate + 1);
}

/** The title of a step, if it has one, else what it does. */
export const titleOf = ({ kind, title }: Pick<RunStep, 'kind' | 'title'>): string =>
  title === undefined || title.trim() === '' ? kindWords[kind] : oneLine(title, 100);

/** A line about a step: what it does exactly, in full. */
export interface StepLine {
  text: string;
  note: string;
}

/** What a step would do, whole: the command line, every file. A long line goes on in the next. */
export function stepLines(step: Step, width: number): StepLine[] {
  switch (step.kind) {
    case 'command':
      return [
        ...wrapped(commandLine(step.argv), width).map((text) => ({ text, note: '' })),
        ...(step.cwd === undefined ? [] : [{ text: `in ${visibleJson(step.cwd, 0)}`, note: '' }]),
      ];
    case 'edit':
      return step.changes.flatMap(({ path, base_sha256, text }) => {
        const note = text === null ? 'delete' : base_sha256 === null ? 'create' : 'write';
        const [first = '', ...rest] = wrapped(visible(path).replace(/\s/g, ' '), width);
        return [{ text: first, note }, ...rest.map((more) => ({ text: more, note: '' }))];
      });
    case 'prompt':
      return [{ text: oneLine(step.text, width), note: '' }];
    case 'gate':
      return [];
  }
}

/** What steps come to, in a few words: `2 files, 1 command`; empty if they change nothing. */
export function effectsOf(steps: readonly Step[] | null): string {
  const all = steps ?? [];
  const edits = all.flatMap((step) => (step.kind === 'edit' ? step.changes : []));
  const files = new Set(edits.map(({ path }) => path)).size;
  const commands = all.filter(({ kind }) => kind === 'command').length;
  const gates = all.filter(({ kind }) => kind === 'gate').length;
  return countedSome([files, 'file'], [commands, 'command'], [gates, 'gate']).join(', ');
}
