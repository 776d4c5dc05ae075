import type { Command } from 'commander';
import type { Args, Out } from '../../contract/operations.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { readPrompt } from '../input.ts';
import { untilInterrupt } from '../interrupt.ts';
import { nextForProvider } from '../provider-next.ts';
import { tellNew } from './draft.ts';

interface Options {
  steps?: boolean;
  task?: string;
}

/** `gimo generate` */
export function addGenerate(program: Command, run: Run): void {
  program
    .command('generate')
    .description('ask the active provider for a proposal, and keep its answer as a draft')
    .argument('<prompt>', 'what is wanted; - reads it from the standard input')
    .option('--steps', 'ask for steps that can be carried out, not for a text')
    .option('--task <id>', 'the task of the plan that it is for')
    .addHelpText('after', example('generate "Plan a health check for the API"'))
    .action((prompt: string, options: Options) =>
      run((session) => generate(session, prompt, options)),
    );
}

async function generate(session: Session, given: string, { steps, task }: Options) {
  const prompt = await readPrompt(given, session.deps.stdin);
  const connection = await session.connect();
  const draft = await ask(session, connection, {
    prompt,
    ...(steps === true ? { steps } : {}),
    ...(task === undefined ? {} : { plan_task_id: task }),
  });
  if (draft.status !== 'error') return tellNew(session, draft);
  if (session.json) session.out.json(draft);
  const why = (draft.error ?? 'it did not say why').replace(/\.$/, '');
  const next = nextForProvider(draft.error ?? '', draft.provider ?? 'NAME');
  throw new CliError(
    'refused',
    `The provider gave no proposal: ${why}. Kept as ${draft.id}, which cannot be approved.${next === null ? '' : `\n${next}`}`,
  );
}

/** Asks and waits. Who no longer waits is told the truth: a server ends what it has begun. */
const ask = (
  session: Session,
  { client }: Connection,
  args: Args['generateDraft'],
): Promise<Out['generateDraft']> =>
  untilInterrupt(session, async (signal) => {
    try {
      return await client.call('generateDraft', args, { signal });
    } catch (cause) {
      if (!signal.aborted) throw cause;
      throw new CliError(
        'interrupted',
        'No longer waiting; the server goes on, and its draft will wait for you. See: gimo drafts',
        { cause },
      );
    }
  });
