import type { Command } from 'commander';
import { GimoError } from '../../contract/errors.ts';
import type { Out } from '../../contract/operations.ts';
import type { LockLevel } from '../../contract/rows/security.ts';
import type { Connection } from '../connect.ts';
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
  else show(session, url, found, found.panic_mode ? await lockLevel(client) : 'open');
  return exitCodes.ok;
}

/** How far the server is locked; null if the token may not know. */
async function lockLevel(client: Connection['client']): Promise<LockLevel | null> {
  try {
    return (await client.call('getSecurityEvents', {})).level;
  } catch (error) {
    if (!GimoError.is(error, 'role_required')) throw error;
    return null;
  }
}

function show(
  { out }: Session,
  url: string,
  found: Out['getStatus'],
  level: LockLevel | null,
): void {
  out.field('server', `${url} (pid ${found.pid}, version ${found.version})`);
  out.field('up', `${Math.floor(found.uptime_seconds)} s`);
  out.field('data', found.data_dir);
  out.field('provider', found.provider ?? 'none');
  out.field('drafts', counts(found.drafts));
  out.field('approved', String(found.approved));
  out.field('runs', counts(found.runs));
  if (level !== 'open')
    out.field('lockdown', `${lockText(level)}; end it with: gimo resolve`, 'red');
  if (found.changes > 0)
    out.field('changed', `${found.changes} settings outside; look with: gimo changes`, 'yellow');
  for (const { file, reason } of found.quarantined)
    out.field('quarantine', `${file}: ${reason}`, 'yellow');
}

function lockText(level: 'strangers' | 'all' | null): string {
  if (level === null) return 'yes';
  return level === 'all'
    ? 'yes: only reading and stopping is allowed'
    : 'for strangers: callers without a valid token are turned away';
}

function counts(byStatus: Readonly<Record<string, number>>): string {
  const told = Object.entries(byStatus).filter(([, count]) => count > 0);
  return told.length === 0 ? 'none' : told.map(([name, count]) => `${count} ${name}`).join(', ');
}
