import { Argument, type Command } from 'commander';
import { defaultConfig } from '../../contract/records.ts';
import { type OutsideChange, type Watched, watched } from '../../contract/rows/upkeep.ts';
import { sortedFields } from '../../contract/sorted.ts';
import { visibleJson } from '../../contract/visible.ts';
import { demandYes, mustAsk } from '../ask.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { diffLines, showDiff } from '../diff.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import type { Output } from '../output.ts';
import { tell } from '../tell.ts';

/** `gimo changes`, `accept` and `restore` */
export function addChanges(program: Command, run: Run): void {
  program
    .command('changes')
    .description('show settings in the workspace that were changed by hand and have no effect yet')
    .addHelpText('after', example('changes'))
    .action(() => run(list));
  const decide = (name: 'accept' | 'restore', does: string, says: string) =>
    program
      .command(name)
      .description(does)
      .addArgument(new Argument('<what>', 'which of them').choices(watched))
      .option('--yes', 'do not ask')
      .addHelpText('after', example(`${name} config`, says))
      .action((what: Watched, options: { yes?: boolean }) =>
        run((session) => decided(session, { name, what, yes: options.yes === true })),
      );
  decide(
    'accept',
    'put in force what a changed file says',
    'It shows what is in force against what the file says, asks, and accepts exactly that.',
  );
  decide(
    'restore',
    'write what is in force back into a changed file',
    'What the file says now is lost.',
  );
}

async function list(session: Session): Promise<number> {
  const { client } = await session.connect();
  const changes = await client.call('listChanges', {});
  return tell(session, changes, (found) => {
    for (const change of found) {
      showChange(session.out, change);
      const { what } = change;
      session.out.field('decide', `gimo accept ${what}, or gimo restore ${what}`);
    }
    if (found.length === 0) session.out.line('Nothing was changed outside.');
  });
}

interface Decision {
  name: 'accept' | 'restore';
  what: Watched;
  yes: boolean;
}

async function decided(session: Session, { name, what, yes }: Decision): Promise<number> {
  const ask = mustAsk(session, yes, 'Give --yes after a look at: gimo changes');
  const connection = await session.connect();
  const change = await find(connection, what);
  if (ask || !session.json) showChange(session.json ? session.err : session.out, change);
  if (name === 'accept' && change.problem !== null)
    throw new CliError(
      'refused',
      `${what}.json cannot be accepted as it is; nothing was changed. Mend it, or: gimo restore ${what}`,
    );
  if (ask)
    await demandYes(session, {
      text: name === 'accept' ? 'Put this in force?' : 'Write back what is in force?',
      otherwise: 'Nothing was changed.',
    });
  const { client } = connection;
  const left =
    name === 'accept'
      ? await client.call('acceptChange', { what, digest: change.digest })
      : await client.call('restoreChange', { what });
  return tell(session, left, () =>
    session.out.line(
      name === 'accept' ? `${what}.json is in force.` : `${what}.json says what is in force again.`,
    ),
  );
}

async function find({ client }: Connection, what: Watched): Promise<OutsideChange> {
  const change = (await client.call('listChanges', {})).find((one) => one.what === what);
  if (change !== undefined) return change;
  throw new CliError(
    'refused',
    `${what}.json was not changed outside; there is nothing to decide.`,
  );
}

/** Shows what is in force against what the file says. */
function showChange(out: Output, { what, accepted, found, problem, notes }: OutsideChange): void {
  out.field('changed', `${what}.json`, 'bold');
  if (problem !== null) out.field('problem', problem, 'red');
  for (const note of notes) out.field('note', note, 'yellow');
  const text = (value: unknown) =>
    value === null ? null : `${visibleJson(sortedFields(whole(what, value)), 2)}\n`;
  if (typeof found === 'string' || found === null) return;
  showDiff(
    out,
    diffLines({
      before: { name: 'in force', text: text(accepted) },
      after: { name: `${what}.json`, text: text(found) },
    }),
  );
}

/** A field of the configuration that the file leaves out has its default. */
function whole(what: Watched, value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return what === 'config' && isObject ? { ...defaultConfig, ...value } : value;
}
