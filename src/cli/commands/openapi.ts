import { type Command, Option } from 'commander';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';

/** `gimo openapi` */
export function addOpenApi(program: Command, run: Run): void {
  program
    .command('openapi')
    .description('print what the token may call, as OpenAPI 3.1')
    .addOption(
      new Option('--for <client>', 'only what a ChatGPT Actions client can import').choices([
        'actions',
      ]),
    )
    .addHelpText(
      'after',
      example(
        'openapi --for actions > actions.json',
        'It describes what the token may call: set GIMO_TOKEN to the one that the client will use.',
      ),
    )
    .action((options: { for?: 'actions' }) => run((session) => openApi(session, options)));
}

async function openApi(session: Session, options: { for?: 'actions' }): Promise<number> {
  const { client } = await session.connect();
  session.out.json(await client.call('getOpenApi', options));
  return exitCodes.ok;
}
