import { createHash } from 'node:crypto';
import type { Draft } from '../../contract/operations.ts';
import type { Step } from '../../contract/records.ts';
import { type PartName, partNames } from './addresses.ts';
import { type Write, writesOf } from './writes.ts';

/** A draft at one moment, as the texts that a person reads. Nothing is left out of them, and nothing redacted. */
export interface Texts {
  /** The draft's digest; of a record that has none (it failed, or is from the Python service) a hash of its texts. */
  revision: string;
  /** Empty where the draft has no such part. */
  parts: Readonly<Record<PartName, string>>;
}

/** The same, with the files that its edit steps would write. */
export interface Revision extends Texts {
  writes: readonly Write[];
}

export function revisionOf(draft: Draft): Revision {
  const parts = {
    prompt: draft.prompt,
    content: draft.content ?? '',
    steps: draft.steps === null ? '' : stepsText(draft.steps),
    context: Object.keys(draft.context).length === 0 ? '' : pretty(draft.context),
    provider: draft.provider_resolved === null ? '' : pretty(draft.provider_resolved),
  };
  return {
    ...{ revision: draft.digest ?? `undigested-${hashOf(parts)}`, parts },
    writes: writesOf(draft.steps),
  };
}

/** A revision as it is told to people. */
export const shortOf = ({ revision }: Texts): string => revision.slice(0, 8);

/**
 * The parts that a diff of two revisions has to show, the one to look at last. There is always one, and if nothing has
 * changed it is the content, or the prompt of a draft without content.
 *
 * @param before null: nothing was seen before
 */
export function partsToShow(before: Texts | null, now: Texts): PartName[] {
  const changed = partNames.filter((name) => differs(name, before, now));
  if (changed.length === 0) return [now.parts.content === '' ? 'prompt' : 'content'];
  return [...changed].sort((a, b) => weight[a] - weight[b]);
}

const weight: Record<PartName, number> = {
  provider: 0,
  context: 1,
  prompt: 2,
  content: 3,
  steps: 4,
};

function differs(name: PartName, before: Texts | null, now: Texts): boolean {
  // A provider alone is nothing to read, and a decided draft does not tell it any more.
  if (name === 'provider' && (!before?.parts.provider || now.parts.provider === '')) return false;
  return now.parts[name] !== (before?.parts[name] ?? '');
}

/**
 * Steps as text. What a step says is indented, line by line, so that it cannot pass for the heading of another step.
 */
export function stepsText(steps: readonly Step[]): string {
  return steps
    .map((step, index) => {
      const title = step.title === undefined ? '' : ` ${JSON.stringify(step.title)}`;
      const heading = `Step ${index + 1} of ${steps.length}: ${step.kind}${title}`;
      return [`${heading}, id ${JSON.stringify(step.id)}`, ...linesOf(step), ''].join('\n');
    })
    .join('\n');
}

function linesOf(step: Step): string[] {
  switch (step.kind) {
    case 'prompt':
      return [indented(step.text)];
    case 'command':
      return [
        ...step.argv.map((argument) => indented(JSON.stringify(argument))),
        ...(step.cwd === undefined ? [] : [`  in ${JSON.stringify(step.cwd)}`]),
        ...(step.timeout_s === undefined ? [] : [`  for ${step.timeout_s} s at most`]),
      ];
    case 'edit':
      return step.changes.flatMap(({ path, base_sha256, text }) => [
        `  ${text === null ? 'delete' : 'write'} ${JSON.stringify(path)}, made from ${base_sha256 ?? 'nothing'}`,
        ...(text === null ? [] : [indented(text)]),
      ]);
    case 'gate':
      return [];
  }
}

/* Every line end that an editor knows, and it stays what it was. */
function indented(text: string): string {
  const indent = '    ';
  return indent + text.replace(/\r\n|\r|\n/g, (end) => end + indent);
}

const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
