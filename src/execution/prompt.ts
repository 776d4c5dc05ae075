import { GimoError } from '../contract/errors.ts';
import type { PromptResult } from '../contract/records.ts';
import type { Redactor } from '../core/redaction.ts';
import type { Executor, Models, StepContext, StepOf } from '../core/work.ts';
import { createLines } from './lines.ts';

/**
 * Carries out prompt steps: sends the text to the provider that was approved, streams the answer into the log line by
 * line, and keeps it whole as the step's result.
 */
export function createPromptExecutor(
  models: Pick<Models, 'ask'>,
  redactor: Pick<Redactor, 'redactKnown'>,
): Executor<'prompt'> {
  return {
    kind: 'prompt',
    async execute(step: StepOf<'prompt'>, { target, signal, log }: StepContext) {
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
        const text = redactor.redactKnown(answer.text).toWellFormed();
        return { result: { text, usage: answer.usage } satisfies PromptResult };
      } finally {
        lines.end();
      }
    },
  };
}
