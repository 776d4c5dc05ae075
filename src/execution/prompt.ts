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
        return { text: redactor.redactKnown(answer.text).toWellFormed(), usage: answer.usage };
      } finally {
        lines.end();
      }
    },
  };
}

/** Cuts a stream of text into lines. Looks at each piece once: the line so far may be millions of characters long. */
export function createLines(emit: (line: string) => void) {
  let rest = '';
  /** Where the last white space of `rest` stands; -1 if nowhere. */
  let space = -1;
  const cut = (line: string, next: string) => {
    emit(line);
    rest = next;
    space = -1;
  };
  return {
    push(piece: string) {
      for (const [n, line] of piece.split('\n').entries()) {
        if (n > 0) cut(rest, '');
        const at = Math.max(line.lastIndexOf(' '), line.lastIndexOf('\t'));
        if (at >= 0) space = rest.length + at;
        rest += line;
      }
      if (rest.length > longestLine && space > 0) cut(rest.slice(0, space), rest.slice(space + 1));
    },
    end() {
      if (rest !== '') cut(rest, '');
    },
  };
}
