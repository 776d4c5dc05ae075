import { Argument, type Command } from 'commander';
import { tokenRoles } from '../../core/principals.ts';
import { demandYes, mustAsk } from '../ask.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';

/** `gimo token rotate` */
export function addToken(program: Command, run: Run): void {
  const token = program
    .command('token')
    .description('give a role a new token')
    .addHelpText('after', example('token rotate agent --yes'));
  token
    .command('rotate')
    .description('make a new token for a role and print it this once; the old one ends at once')
    .addArgument(new Argument('<role>', 'whose token').choices(tokenRoles))
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      example(
        'token rotate agent --yes > agent.token',
        'The standard output gets the token and nothing else. Whoever uses the old one is turned away from now on.',
      ),
    )
    .action((role: string, options: { yes?: boolean }) =>
      run((session) => rotate(session, role, options.yes === true)),
    );
}

async function rotate(session: Session, role: string, yes: boolean): Promise<number> {
  const ask = mustAsk(session, yes, 'Give --yes to end the old token unasked.');
  const { client } = await session.connect();
  if (ask)
    await demandYes(session, {
      text: `End the ${role} token that is in use, and make a new one?`,
      otherwise: 'Nothing was changed.',
    });
  const answer = await client.call('rotateToken', { role });
  if (session.json) session.out.json(answer);
  else session.out.line(answer.token);
  session.err.line({
    text: `This is the new ${role} token, told this once. Whoever used the old one has to be given it.`,
    colour: 'yellow',
  });
  return exitCodes.ok;
}
