import { z } from 'zod';
import { Usage } from '../contract/records.ts';
import type { ModelAnswer } from '../core/work.ts';
import { type NetworkTarget, providerError, quote, vendorError } from './failures.ts';

const Message = z.object({ content: z.string().nullish(), refusal: z.string().nullish() });
/**
 * A piece of a streamed chat completion, or a whole one that was not streamed (`message` in place of `delta`). The
 * last piece of a stream holds the usage and no choice. Usage of another shape is left out, as it is only a count.
 */
const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: Message.nullish(),
      message: Message.nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: Usage.nullish().catch(null),
});

/** Puts the pieces of an answer together. */
export interface Collector {
  /**
   * Takes the next piece, as it was parsed from JSON.
   * @returns the text in it, empty if there is none
   * @throws GimoError `provider_error` if it is not a piece of a chat completion
   */
  push(piece: unknown): string;
  /** Whether the model has said why it stopped: what comes after that is not text any more. */
  finished(): boolean;
  /** The whole answer. Throws `provider_error` if it is not whole, empty, or none. */
  answer(): ModelAnswer;
}

/** Makes a collector for one answer. */
export function createCollector(target: NetworkTarget): Collector {
  let text = '';
  let refusal = '';
  let finish: string | null = null;
  let usage: Usage | null = null;
  let choices = 0;
  return {
    push(piece) {
      const found = Chunk.safeParse(piece);
      if (!found.success) throw shapeError(piece, target);
      usage = found.data.usage ?? usage;
      const choice = found.data.choices[0];
      if (choice === undefined) return '';
      choices += 1;
      finish = choice.finish_reason ?? finish;
      const said = choice.delta ?? choice.message;
      refusal += said?.refusal ?? '';
      text += said?.content ?? '';
      return said?.content ?? '';
    },
    finished: () => finish !== null,
    answer() {
      const problem = problemOf({ text, refusal, finish, choices }, target.api_key);
      if (problem !== null) throw providerError(`The provider "${target.name}" ${problem}`);
      return { text, usage };
    },
  };
}

function shapeError(piece: unknown, target: NetworkTarget) {
  const told = vendorError(piece);
  return told === null
    ? providerError(
        `The provider "${target.name}" answered with something that is not a chat completion. Check its base_url.`,
      )
    : providerError(
        `The provider "${target.name}" reported an error: ${quote(told.message, target.api_key)}`,
      );
}

interface Collected {
  text: string;
  refusal: string;
  finish: string | null;
  choices: number;
}

/** Why an answer cannot be used, as the end of a sentence; null if it can. */
function problemOf(
  { text, refusal, finish, choices }: Collected,
  key: string | null,
): string | null {
  if (choices === 0) return 'sent an answer without any choices. Check its base_url and model.';
  if (refusal !== '') return `refused to answer: ${quote(refusal, key)}`;
  switch (finish) {
    case null:
      return 'stopped before its answer was complete. Try again.';
    case 'length':
    case 'max_tokens':
      return 'cut the answer off at its token limit. Ask for less, or raise the limit.';
    case 'content_filter':
      return 'held the answer back with its content filter. Word the request differently.';
    case 'stop':
    case 'end_turn':
    case 'eos':
    case 'stop_sequence':
      return text.trim() === ''
        ? 'sent an empty answer. Try again, or choose another model.'
        : null;
    default:
      return `stopped for a reason that GIMO does not know: ${quote(finish, key).slice(0, 60)}.`;
  }
}
