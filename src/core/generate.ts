import { GimoError } from '../contract/errors.ts';
import type { DraftRecord } from '../contract/records.ts';
import type { Drafts } from './drafts.ts';
import type { Handlers } from './handlers.ts';
import type { Logger, Models } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { Settings } from './settings.ts';

export interface GeneratePorts {
  drafts: Drafts;
  settings: Settings;
  models: Models;
  redactor: Redactor;
  logger: Logger;
  /** Aborted when the server stops. */
  shutdown: AbortSignal;
}

/** Asks the active provider for a proposal. A failure makes a draft too: one that can be read, never approved. */
export function generateHandler(ports: GeneratePorts): Handlers['generateDraft'] {
  const { drafts, settings, models, redactor, logger, shutdown } = ports;
  return {
    async prepare(input, call) {
      if (input.steps === true)
        throw new GimoError(
          'step_unsupported',
          'A draft with steps cannot be generated yet. Leave "steps" out.',
        );
      drafts.refuseSecrets(input);
      const provider = settings.active();
      const proposed: DraftRecord = {
        ...drafts.compose({ prompt: input.prompt, context: input.context }, call),
        provider: provider.name,
        source: 'generate',
      };
      const person = call.principal.role === 'admin' || call.principal.role === 'editor';
      const ask = async (): Promise<DraftRecord> => {
        try {
          const answer = await models.ask(await settings.target(provider), {
            text: requestText(input),
            audience: person ? 'person' : 'client',
            signal: shutdown,
          });
          // RFC 8785 has no form for half a surrogate pair, so it could neither be digested nor approved.
          const content = answer.text.toWellFormed();
          if (!redactor.holdsSecret(content)) return { ...proposed, content };
          const why = 'The answer held a token or key that GIMO keeps secret, so it was not kept.';
          return { ...proposed, status: 'error', error: why };
        } catch (error) {
          if (!GimoError.is(error) || shutdown.aborted) throw error;
          logger.log('warn', `generation failed: ${redactor.redact(error.message)}`, {
            correlation_id: call.correlationId,
          });
          return { ...proposed, status: 'error', error: redactor.redact(error.message) };
        }
      };
      const effect = async () => drafts.save(await ask());
      return { target: proposed.id, makes: [proposed.id], effect };
    },
    recall: drafts.recall,
  };
}

function requestText(input: { prompt: string; context?: DraftRecord['context'] | undefined }) {
  const { prompt, context = {} } = input;
  if (Object.keys(context).length === 0) return prompt;
  return [prompt, '--- CONTEXT ---', JSON.stringify(context, null, 2)].join('\n\n');
}
