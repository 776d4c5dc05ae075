import type { Command } from 'commander';
import type { Run, Session } from '../deps.ts';
import { example } from '../help.ts';
import { tell } from '../tell.ts';

/** `gimo lockdown` and `resolve` */
export function addBrake(program: Command, run: Run): void {
  program
    .command('lockdown')
    .description('pull the brake: only reading and stopping is allowed, and nothing starts')
    .option('--reason <text>', 'why; kept with it')
    .addHelpText('after', example('lockdown --reason "A token leaked"'))
    .action((options: { reason?: string }) => run((session) => lockDown(session, options)));
  program
    .command('resolve')
    .description('end a lockdown: what was approved may run again')
    .addHelpText('after', example('resolve'))
    .action(() => run(resolve));
}

async function lockDown(session: Session, options: { reason?: string }): Promise<number> {
  const { client } = await session.connect();
  const answer = await client.call('lockDown', options);
  return tell(session, answer, () =>
    session.out.line('Locked down: nothing starts. End it with: gimo resolve'),
  );
}

async function resolve(session: Session): Promise<number> {
  const { client } = await session.connect();
  const { events } = await client.call('getSecurityEvents', {});
  const answer = await client.call('resolveSecurity', { action: 'clear_panic' });
  return tell(session, answer, () => {
    const last = events.at(-1);
    if (last !== undefined && last.level !== 'open') {
      const why = last.reason === null ? '' : `: ${last.reason}`;
      session.out.field('was locked', `${last.ts} by ${last.actor}, ${last.type}${why}`);
    }
    session.out.line('Open: what was approved may run again.');
  });
}
