import { GimoError } from '../contract/errors.ts';
import type { PromptResult } from '../contract/records.ts';
import type { Executor, Models, StepContext } from '../core/ports.ts';
import type { Redactor } from '../core/redaction.ts';

/** A line of the log is cut beyond this, at white space if there is any: a secret holds none, and stays in one piece. */
const longestLine = 8192;

/**
 * Carries out prompt steps: sends the text to the provider that was approved, streams the answer into the log line by
 * line, and keeps it whole as the step's result.
 */
export function createPromptExecutor(
  models: Pick<Models, 'ask'>,
  redactor: Pick<Redactor, 'redactKnown'>,
): Executor {
  return {
    kind: 'prompt',
    async execute(step, { target, signal, log }: StepContext): Promise<PromptResult> {
      if (target === null)
        throw new GimoError('provider_error', 'No provider was approved for this prompt.');
      const lines = createLines((line) => log('OUTPUT', line));
      try {
        const answer = await models.ask(target, {
          text: step.text,
          audience: 'person',
          signal,
          onText: lines.push,
        });
        return { text: redactor.redactKnown(answer.text), usage: answer.usage };
      } finally {
        lines.end();
      }
    },
  };
}

/** Cuts a stream of text into lines. */
export function createLines(emit: (line: string) => void) {
  let rest = '';
  return {
    push(piece: string) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) emit(line);
      if (rest.length <= longestLine) return;
      const at = Math.max(rest.lastIndexOf(' '), rest.lastIndexOf('\t'));
      if (at <= 0) return;
      emit(rest.slice(0, at));
      rest = rest.slice(at + 1);
    },
    end() {
      if (rest !== '') emit(rest);
      rest = '';
    },
  };
}
