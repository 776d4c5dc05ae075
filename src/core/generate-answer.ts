import { z } from 'zod';
import { jsonIssues } from '../contract/json.ts';
import { type Step, Steps } from '../contract/records.ts';
import { visibleText } from '../contract/visible.ts';

/* How the answer of a model that was asked for steps is read. */

/** Characters of an answer that can become steps: as many as a request may hold. */
const longestAnswer = 1_048_576;

/** What an answer turned out to be. `why` is a sentence. */
export type Reading =
  | { kind: 'text' }
  /** `around` is what the model said beside them; null if nothing. */
  | { kind: 'steps'; steps: Step[]; around: string | null }
  | { kind: 'unfit'; why: string };

const unfit = (why: string): Reading => ({ kind: 'unfit', why });

/**
 * Reads an answer. JSON counts where it is the whole answer, or the one fenced block of it that is JSON: models that are
 * not held to a form often write it like that.
 *
 * @param held whether the model was held to the form; if not, plain text is an answer too
 */
export function readAnswer(text: string, held: boolean): Reading {
  const meant = held || /^\s*\{/.test(text);
  if (text.length > longestAnswer)
    return meant
      ? unfit('The answer is longer than 1 MiB. Ask for less at once.')
      : { kind: 'text' };
  const whole = parse(text.trim());
  if (whole !== undefined) return stepsOf(whole, null);
  const [block, second] = fencedSteps(text);
  if (second !== undefined)
    return unfit('The answer holds more than one proposal. Generate again.');
  if (block !== undefined) return stepsOf(block.value, block.around);
  if (!meant) return { kind: 'text' };
  return unfit(
    'The answer is not JSON, or was cut off, so there are no steps in it. Generate again.',
  );
}

/** @returns undefined for what is not a JSON object or array */
function parse(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The first two fenced blocks that are JSON with steps, and the text around each. No line of JSON begins with three
 * backticks, so the next one that does ends a block.
 */
function fencedSteps(text: string): { value: unknown; around: string | null }[] {
  const lines = text.split('\n');
  const found: { value: unknown; around: string | null }[] = [];
  let begin = -1;
  for (const [at, line] of lines.entries()) {
    if (!/^ {0,3}```/.test(line)) continue;
    if (begin < 0) {
      begin = at;
      continue;
    }
    const inner = lines.slice(begin + 1, at).join('\n');
    const value = parse(inner.trim());
    if (Fields.safeParse(value).data?.steps !== undefined) {
      const around = [...lines.slice(0, begin), ...lines.slice(at + 1)].join('\n').trim();
      if (found.push({ value, around: around === '' ? null : around }) > 1) break;
    }
    begin = -1;
  }
  return found;
}

const Fields = z.record(z.string(), z.unknown());
const Answer = z.strictObject({ steps: z.array(z.unknown()) });

function stepsOf(value: unknown, around: string | null): Reading {
  const [issue] = jsonIssues(value);
  if (issue !== undefined) return misfit(issue.loc, issue.msg);
  const answer = Answer.safeParse(value);
  const steps = answer.success ? Steps.safeParse(answer.data.steps.map(withoutNulls)) : null;
  if (steps?.success) return { kind: 'steps', steps: steps.data, around };
  const first = (steps ?? answer).error?.issues[0];
  const path = (first?.path ?? []).map((part) => (typeof part === 'symbol' ? '?' : part));
  return misfit(steps === null ? path : ['steps', ...path], first?.message ?? 'Invalid input');
}

/** A step without the fields that are null: strict output has no other way to leave one out. */
function withoutNulls(step: unknown): unknown {
  const fields = Fields.safeParse(step);
  if (!fields.success) return step;
  return Object.fromEntries(Object.entries(fields.data).filter(([, value]) => value !== null));
}

function misfit(loc: readonly (string | number)[], msg: string): Reading {
  const at = loc.length === 0 ? '' : ` at ${inWords(loc.join('.'))}`;
  const what = inWords(msg).replace(/[.]$/, '');
  return unfit(`The answer does not have the form of steps${at}: ${what}. Generate again.`);
}

/** Text of a model as a part of a sentence: in one line, nothing hidden, not endless. */
export const inWords = (text: string): string => {
  const letters = [...visibleText(text.slice(0, 1000).toWellFormed()).replace(/\s+/g, ' ').trim()];
  return letters.length > 200 ? `${letters.slice(0, 199).join('')}…` : letters.join('');
};
