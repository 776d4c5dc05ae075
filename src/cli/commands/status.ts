import type { Command } from 'commander';
import type { Out } from '../../contract/operations.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';

/** `gimo status` */
export function addStatus(program: Command, run: Run): void {
  program
    .command('status')
    .description('tell how the server is, and what waits')
    .addHelpText('after', example('status --json'))
    .action(() => run(status));
}

async function status(session: Session): Promise<number> {
  const { client, url } = await session.connect();
  const found = await client.call('getStatus', {});
  if (session.json) session.out.json(found);
  else show(session, url, found);
  return exitCodes.ok;
}

function show({ out }: Session, url: string, found: Out['getStatus']): void {
  out.field('server', `${url} (pid ${found.pid}, version ${found.version})`);
  out.field('up', `${Math.floor(found.uptime_seconds)} s`);
  out.field('data', found.data_dir);
  out.field('provider', found.provider ?? 'none');
  out.field('drafts', counts(found.drafts));
  out.field('approved', String(found.approved));
  out.field('runs', counts(found.runs));
  if (found.panic_mode) out.field('lockdown', 'yes: only reading and stopping is allowed', 'red');
  if (found.changes > 0)
    out.field('changed', `${found.changes} settings outside; look with: gimo changes`, 'yellow');
  for (const { file, reason } of found.quarantined)
    out.field('quarantine', `${file}: ${reason}`, 'yellow');
}

function counts(byStatus: Readonly<Record<string, number>>): string {
  const told = Object.entries(byStatus).filter(([, count]) => count > 0);
  return told.length === 0 ? 'none' : told.map(([name, count]) => `${count} ${name}`).join(', ');
}
