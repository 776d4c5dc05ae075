import type { Command } from 'commander';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { readPrompt } from '../input.ts';
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
  const { client } = await session.connect();
  const draft = await client.call('generateDraft', {
    prompt,
    ...(steps === true ? { steps } : {}),
    ...(task === undefined ? {} : { plan_task_id: task }),
  });
  if (draft.status !== 'error') return tellNew(session, draft);
  if (session.json) session.out.json(draft);
  throw new CliError(
    'refused',
    `The provider gave no proposal: ${draft.error ?? 'it did not say why'}. Kept as ${draft.id}, which cannot be approved.`,
  );
}
