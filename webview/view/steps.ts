import type { Looked } from '../../src/contract/panel.ts';
import type { Step } from '../../src/contract/records.ts';
import { hiddenIn, plain } from '../hidden.ts';
import { commandLine, oddIn } from './command.ts';
import { type Child, h } from './dom.ts';
import { type Found, filesOf } from './files.ts';
import { facts, type Page, type Section, section } from './parts.ts';
import { type FoldedPart, markedText, rawText, readBack } from './raw.ts';
import { besides, messageOf, type Told } from './warnings.ts';

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** A step as it is shown. `read` gives back what stands in the page. */
interface StepView {
  body: Child[];
  read(): Step;
  /** What a person has to be told, beside what the server says of the whole step. */
  warnings: Told[];
  folded: readonly FoldedPart[];
}

export const kindTitles: Record<Step['kind'], string> = {
  prompt: 'Ask a model',
  edit: 'Change files',
  command: 'Run a command',
  gate: 'Wait for a person',
};

/** The steps in order. `read` gives them back as they stand in the page. */
export function stepsPart(
  steps: readonly Step[] | null,
  looked: Looked | null,
  changed: boolean,
  page: Page,
): Section & { read(): Step[] | null } {
  const found = foundIn(looked);
  const rows = (steps ?? []).map((step, at) => stepRow(step, at, steps ?? [], found, page));
  const body =
    steps === null
      ? h('p', { class: 'muted' }, 'One step: a model is asked with the prompt and the content.')
      : h('ol', { class: 'steps' }, ...rows.map(({ element }) => element));
  return {
    element: section('steps', changed, null, body),
    warnings: rows.flatMap(({ warnings }) => warnings),
    folded: rows.flatMap(({ folded }) => folded),
    read: () => (steps === null ? null : rows.map(({ read }) => read())),
  };
}

/** What was found in the workspace, by path. @param from the place of the first step that is still to come */
export const foundIn = (looked: Looked | null, from = 0): Found | null =>
  looked && {
    from,
    bases: new Map(looked.bases.map((base) => [base.path, base])),
    warnings: looked.warnings,
  };

/** @param found null if there is nothing to compare with */
export function stepRow(
  step: Step,
  at: number,
  all: readonly Step[],
  found: Found | null,
  page: Page,
): Section & { read(): Step } {
  const anchor = `step-${at}`;
  const where = `Step ${at + 1}`;
  const told = (message: string): Told => ({ where, anchor, message });
  const said = (found?.warnings ?? [])
    .filter((one) => one.step === step.id && one.path === null)
    .map(messageOf);
  const id = h('code', { class: 'muted' }, ...markedText(step.id));
  const title =
    step.title === undefined ? null : h('span', { class: 'step-title' }, ...markedText(step.title));
  const odd = hiddenIn(`${step.id}${step.title ?? ''}`);
  const view = viewOf(step, at, all, found, page);
  const element = h(
    'li',
    { id: anchor, 'aria-label': `${where}: ${kindTitles[step.kind]}` },
    h(
      'div',
      { class: 'step-head' },
      h('h3', { class: 'step-kind' }, kindTitles[step.kind]),
      title,
      id,
    ),
    besides(said),
    ...view.body,
  );
  return {
    element,
    warnings: [
      ...said.map(told),
      ...(odd.length === 0 ? [] : [told(`Its name: ${odd.join(', ')}.`)]),
      ...view.warnings,
    ],
    folded: view.folded,
    read: () => ({
      ...view.read(),
      id: readBack(id),
      ...(title === null ? {} : { title: readBack(title) }),
    }),
  };
}

function viewOf(
  step: Step,
  at: number,
  all: readonly Step[],
  found: Found | null,
  page: Page,
): StepView {
  switch (step.kind) {
    case 'prompt':
      return promptView(step, at, page);
    case 'command':
      return commandView(step, at);
    case 'edit':
      return editView(step, at, all, found, page);
    case 'gate':
      return { body: [gateWords(at, all)], read: () => step, warnings: [], folded: [] };
  }
}

function promptView(step: Of<'prompt'>, at: number, page: Page): StepView {
  const raw = rawText(step.text, `step-${at}`, `Step ${at + 1}, text`, page);
  return {
    body: [raw.element],
    read: () => ({ ...step, text: raw.read() }),
    warnings: toldOf(at, hiddenIn(step.text)),
    folded: raw.folded,
  };
}

function commandView(step: Of<'command'>, at: number): StepView {
  const line = commandLine(step.argv, `Step ${at + 1}, command line`);
  const cwd = step.cwd === undefined ? null : h('code', {}, ...markedText(step.cwd));
  const limit = step.timeout_s === undefined ? null : h('span', {}, String(step.timeout_s));
  const list = facts([
    ['In', cwd ?? 'the folder of the workspace'],
    ['At most', limit === null ? 'as long as the run may take' : h('span', {}, limit, ' seconds')],
  ]);
  return {
    body: [line.element, list],
    read: () => ({
      ...step,
      argv: line.read(),
      ...(cwd === null ? {} : { cwd: readBack(cwd) }),
      ...(limit === null ? {} : { timeout_s: Number(readBack(limit)) }),
    }),
    warnings: toldOf(at, [...oddIn(step.argv), ...hiddenIn(step.cwd ?? '')]),
    folded: [],
  };
}

function editView(
  step: Of<'edit'>,
  at: number,
  all: readonly Step[],
  found: Found | null,
  page: Page,
): StepView {
  const files = filesOf(step, at, all.slice(found?.from ?? 0, at), found, page);
  return {
    body: files.map(({ element }) => element),
    read: () => ({ ...step, changes: files.map(({ read }) => read()) }),
    warnings: files.flatMap(({ warnings }) => warnings),
    folded: files.flatMap(({ folded }) => folded),
  };
}

const toldOf = (at: number, found: readonly string[]): Told[] =>
  found.length === 0
    ? []
    : [{ where: `Step ${at + 1}`, anchor: `step-${at}`, message: `${found.join(', ')}.` }];

/** What comes after a step, up to the next gate: its places among the steps. */
export function upToGate(all: readonly Pick<Step, 'kind'>[], at: number): number[] {
  const rest = all.map((_, index) => index).slice(at + 1);
  const end = rest.findIndex((index) => all[index]?.kind === 'gate');
  return end === -1 ? rest : rest.slice(0, end);
}

function gateWords(at: number, all: readonly Step[]): HTMLElement {
  const names = upToGate(all, at).map((index) => {
    const step = all[index];
    const title = step?.title === undefined ? '' : ` (“${plain(step.title)}”)`;
    return `step ${index + 1}, ${kindTitles[step?.kind ?? 'gate'].toLowerCase()}${title}`;
  });
  const next = names.length === 0 ? 'nothing' : names.join('; ');
  const after = all.slice(at + 1).some(({ kind }) => kind === 'gate')
    ? ' Then comes another gate.'
    : '';
  return h(
    'p',
    {},
    `The run waits here until somebody lets it go on. What comes next: ${next}.${after}`,
  );
}
