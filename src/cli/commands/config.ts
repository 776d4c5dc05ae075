import type { Command } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import type { Out } from '../../contract/operations.ts';
import { type Config, ConfigPatch } from '../../contract/records.ts';
import { visibleJson } from '../../contract/visible.ts';
import { demandYes, mustAsk } from '../ask.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { fitting } from '../input.ts';
import type { Output } from '../output.ts';
import { tell } from '../tell.ts';

type Allowed = Config['command_allowlist'][number];

/** `gimo config`, `config set` and `config allow` */
export function addConfig(program: Command, run: Run): void {
  const config = program
    .command('config')
    .description('show the configuration that is in force')
    .addHelpText('after', example('config'))
    .action(() => run(show));
  config
    .command('set')
    .description('change fields of it; the others keep their values')
    .argument('<field=value...>', 'such as run_timeout_s=600; a list is written as JSON')
    .addHelpText('after', example('config set max_concurrent_runs=2 default_auto_run=true'))
    .action((fields: string[]) => run((session) => set(session, fields)));
  config
    .command('allow')
    .description('let command steps run a program')
    .argument('<program>', 'its name or path; its real path is what is allowed')
    .argument('[args...]', 'what its arguments must begin with; put -- before the first')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      example(
        'config allow node -- --test',
        'Without arguments any are allowed. Who may run what is decided by a person: where an editor hosts the server, it asks there.',
      ),
    )
    .action((name: string, args: string[], options: { yes?: boolean }) =>
      run((session) => allow(session, { name, args, yes: options.yes === true })),
    );
}

async function show(session: Session): Promise<number> {
  const { client } = await session.connect();
  const config = await client.call('getConfig', {});
  return tell(session, config, (found) => showConfig(session.out, found));
}

async function set(session: Session, fields: readonly string[]): Promise<number> {
  const patch = fitting(
    Object.fromEntries(fields.map(parseField)),
    ConfigPatch,
    'the configuration',
  );
  const { client } = await session.connect();
  return tellSet(session, await client.call('setConfig', patch));
}

/** A field and its value: JSON where it is JSON, so that numbers and lists can be written, else a text. */
function parseField(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new CliError('usage', 'Write each as field=value, such as run_timeout_s=600.');
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [text.slice(0, at), value];
  }
}

async function allow(
  session: Session,
  { name, args, yes }: { name: string; args: string[]; yes: boolean },
): Promise<number> {
  const ask = mustAsk(session, yes, 'Give --yes to allow it unasked.');
  const program = await session.deps.realPath(session.root, name);
  if (program === null)
    throw new CliError(
      'refused',
      `${name} is no program that can be found and executed; nothing was changed. Give its absolute path.`,
    );
  const entry: Allowed = { program, args_prefix: args };
  const { client } = await session.connect();
  const shown = session.json ? session.err : session.out;
  if (ask || !session.json) showAllowed(shown, entry);
  if (ask)
    await demandYes(session, {
      text: 'Let command steps run this?',
      otherwise: 'Nothing was changed.',
    });
  /* Read after the question: whatever was taken out meanwhile stays out. */
  const now = await client.answer('getConfig', {});
  const others = now.body.command_allowlist.filter(
    (one) => visibleJson(one, 0) !== visibleJson(entry, 0),
  );
  const next = { command_allowlist: [...others, entry] };
  return tellSet(session, await client.call('setConfig', next, unchangedSince(now)));
}

function tellSet(session: Session, answer: Out['setConfig']): number {
  return tell(session, answer, (found) => {
    if ('pending' in found)
      session.out.line(
        'Asked in the editor; nothing is changed until the person there says yes. Look with: gimo config',
      );
    else showConfig(session.out, found);
  });
}

function showConfig(out: Output, { command_allowlist: list, ...fields }: Config): void {
  const rows = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  out.table(
    [
      { title: 'FIELD', min: 24 },
      { title: 'VALUE', min: 5 },
    ],
    rows,
  );
  if (list.length === 0) out.field('may run', 'no program: command_allowlist is empty');
  for (const entry of list) showAllowed(out, entry);
}

/* In JSON, so that nobody can write one argument that reads as two. */
function showAllowed(out: Output, { program, args_prefix: args }: Allowed): void {
  const beginning =
    args.length === 0 ? 'any arguments' : `arguments that begin with ${visibleJson(args, 0)}`;
  out.field('may run', `${visibleJson(program, 0)} with ${beginning}`);
}
