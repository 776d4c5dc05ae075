import { GimoError } from '../contract/errors.ts';
import type { In } from '../contract/operations.ts';
import type { DraftRecord, ResolvedProvider } from '../contract/records.ts';
import { checkSteps } from './draft-checks.ts';
import type { Drafts } from './drafts.ts';
import { cutBytes, mostBytes } from './excerpt.ts';
import type { Fill } from './fill.ts';
import { readAnswer } from './generate-answer.ts';
import {
  type FilePorts,
  fillGenerated,
  type GatheredFiles,
  gatherFiles,
} from './generate-files.ts';
import { stepsRequest, stepsShape } from './generate-steps.ts';
import type { Call, Handlers } from './handlers.ts';
import type { Logger } from './ports.ts';
import { isPerson } from './principals.ts';
import type { Redactor } from './redaction.ts';
import type { Settings } from './settings.ts';
import type { ModelAnswer, Models, Workspace } from './work.ts';

export interface GeneratePorts {
  drafts: Drafts;
  settings: Settings;
  models: Models;
  redactor: Redactor;
  logger: Logger;
  workspace: Pick<Workspace, 'look'>;
  /** What clients may read of the workspace, and so what a model is shown. */
  repository: Pick<FilePorts, 'readable'> & { mayRead(path: string): Promise<boolean> };
  fill: Pick<Fill, 'programs'>;
  /** Aborted when the server stops. */
  shutdown: AbortSignal;
}

type Input = In['generateDraft'];
/** What an answer adds to the draft that it was asked for. */
type Outcome = Pick<DraftRecord, 'content'> &
  Partial<Pick<DraftRecord, 'steps' | 'status' | 'error'>>;

/** Asks the active provider for a proposal. A failure makes a draft too: one that can be read, never approved. */
export function generateHandler(ports: GeneratePorts): Handlers['generateDraft'] {
  const { drafts, settings, redactor, logger, shutdown } = ports;
  return {
    async prepare(input, call) {
      drafts.refuseSecrets(input);
      await drafts.requireTask(input.plan_task_id);
      const provider = settings.active();
      const proposed: DraftRecord = {
        ...drafts.compose(
          { prompt: input.prompt, context: input.context, plan_task_id: input.plan_task_id },
          call,
        ),
        provider: provider.name,
        source: 'generate',
      };
      // The offline provider only tells facts: it has no use for rules and files, and would repeat them.
      const ask = input.steps === true && provider.type !== 'offline' ? askForSteps : askForText;
      const attempt = async (): Promise<DraftRecord> => {
        try {
          return { ...proposed, ...(await ask(ports, provider, input, call)) };
        } catch (error) {
          if (!GimoError.is(error) || shutdown.aborted) throw error;
          return { ...proposed, status: 'error', error: redactor.redact(error.message) };
        }
      };
      const effect = async () => {
        const draft = await attempt();
        if (draft.error !== null)
          logger.log('warn', `generation failed: ${redactor.redact(draft.error)}`, {
            correlation_id: call.correlationId,
          });
        return drafts.save(draft);
      };
      return { target: proposed.id, makes: [proposed.id], effect };
    },
    recall: drafts.recall,
  };
}

async function ask(
  { settings, models, logger, shutdown }: GeneratePorts,
  provider: ResolvedProvider,
  call: Call,
  asked: { text: string; shape?: ReturnType<typeof stepsShape> },
): Promise<ModelAnswer> {
  const answer = await models.ask(await settings.target(provider), {
    ...asked,
    audience: isPerson(call) ? 'person' : 'client',
    signal: shutdown,
  });
  if (answer.usage !== null)
    logger.log('info', 'a proposal was generated', {
      ...{ correlation_id: call.correlationId, ...answer.usage },
    });
  // RFC 8785 has no form for half a surrogate pair, so it could neither be digested nor approved.
  return { ...answer, text: answer.text.toWellFormed() };
}

type Ask = (
  ports: GeneratePorts,
  provider: ResolvedProvider,
  input: Input,
  call: Call,
) => Promise<Outcome>;

const askForText: Ask = async (ports, provider, input, call) => {
  const { text } = await ask(ports, provider, call, { text: requestText(input) });
  return ports.redactor.holdsSecret(text) ? leaked : { content: text };
};

const askForSteps: Ask = async (ports, provider, input, call) => {
  const { settings, redactor, repository } = ports;
  const files = await gatherFiles({ ...ports, readable: repository.readable }, input.prompt);
  const answer = await ask(ports, provider, call, {
    text: stepsRequest({ ...input, files, programs: settings.config().command_allowlist }),
    shape: stepsShape(),
  });
  if (redactor.holdsSecret(answer.text)) return leaked;
  const outcome = await outcomeOf(answer, { ports, files, call });
  // What JSON spells differently is looked at once more as what it says.
  return redactor.holdsSecret(outcome) ? leaked : outcome;
};

const leaked: Outcome = {
  status: 'error',
  error: 'The answer held a token or key that GIMO keeps secret, so it was not kept.',
  content: null,
};

/** What becomes of an answer to a request for steps. What does not fit is kept to be read. */
async function outcomeOf(
  { text, shaped }: ModelAnswer,
  { ports, files, call }: { ports: GeneratePorts; files: GatheredFiles; call: Call },
): Promise<Outcome> {
  const { workspace, repository, fill } = ports;
  const found = readAnswer(text, shaped === true);
  if (found.kind === 'text') return { content: text };
  if (found.kind === 'unfit') return unfit(text, found.why);
  try {
    checkSteps(found.steps);
    const based = await fillGenerated(found.steps, {
      ...{ workspace, files },
      mayTell: async (path) => isPerson(call) || repository.mayRead(path),
    });
    return { content: found.around, steps: await fill.programs(based) };
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    return unfit(text, error.message);
  }
}

function unfit(answer: string, why: string): Outcome {
  const kept = cutBytes(answer, mostBytes);
  const content = kept === answer ? answer : `${kept}\n[truncated: the answer went on]\n`;
  return { status: 'error', error: why, content };
}

function requestText({ prompt, context = {} }: Input) {
  if (Object.keys(context).length === 0) return prompt;
  return [prompt, '--- CONTEXT ---', JSON.stringify(context, null, 2)].join('\n\n');
}
