import type { Command } from 'commander';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { readPrompt } from '../input.ts';
import { tellNew } from './draft.ts';

/** `gimo generate` */
export function addGenerate(program: Command, run: Run): void {
  program
    .command('generate')
    .description('ask the active provider for a proposal, and keep its answer as a draft')
    .argument('<prompt>', 'what is wanted; - reads it from the standard input')
    .addHelpText('after', example('generate "Plan a health check for the API"'))
    .action((prompt: string) => run((session) => generate(session, prompt)));
}

async function generate(session: Session, given: string): Promise<number> {
  const prompt = await readPrompt(given, session.deps.stdin);
  const { client } = await session.connect();
  const draft = await client.call('generateDraft', { prompt });
  if (draft.status !== 'error') {
    tellNew(session, draft);
    return exitCodes.ok;
  }
  if (session.json) session.out.json(draft);
  throw new CliError(
    'refused',
    `The provider gave no proposal: ${draft.error ?? 'it did not say why'}. Kept as ${draft.id}, which cannot be approved.`,
  );
}
