import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AllowedPath } from '../../contract/rows/repository.ts';
import { normalPath } from '../../core/cover.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { age } from '../render.ts';
import { tell } from '../tell.ts';

interface Options {
  /** Milliseconds. */
  for?: number;
  remove?: boolean;
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
/** What the editor offers first, in milliseconds. */
const usualMs = 3_600_000;
/** From then on an end is one that never comes; the editor writes it so. */
const farAway = Date.parse('9000-01-01T00:00:00Z');

/** `gimo allow` */
export function addAllow(program: Command, run: Run): void {
  program
    .command('allow')
    .description('let clients read files and folders for a while; without a path, list them')
    .argument('[path...]', 'relative to the workspace; . is all of it')
    .option('--for <time>', 'how long, such as 30m, 2h or 7d (default: 1h)', parseTime)
    .addOption(new Option('--remove', 'take it back').conflicts('for'))
    .addHelpText(
      'after',
      example(
        'allow src README.md --for 2h',
        'Every client with a token may read them, agents too. Environment and key files are never read.',
      ),
    )
    .action((paths: string[], options: Options) =>
      run((session) => allow(session, paths.map(normalPath), options)),
    );
}

function parseTime(text: string): number {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (units[unit] ?? 0);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Write it as 30m, 2h or 7d.');
}

async function allow(session: Session, paths: readonly string[], options: Options) {
  if (paths.length === 0 && (options.remove === true || options.for !== undefined))
    throw new CliError('usage', 'Name the files or folders that are meant. List with: gimo allow');
  const { client } = await session.connect();
  /* The list is put whole, and has no entity tag: it is read right before, so that nothing of it is lost. */
  const before = await client.call('getAllowlist', {});
  if (paths.length === 0) return tellAllowed(session, before.paths);
  if (options.remove === true) requireListed(before.paths, paths);
  const others = before.paths
    .filter(({ path }) => !paths.includes(path))
    .map(({ path, expires_at }) => ({ path, expires_at }));
  const expires_at = new Date(session.deps.now() + (options.for ?? usualMs)).toISOString();
  const added =
    options.remove === true ? [] : [...new Set(paths)].map((path) => ({ path, expires_at }));
  const after = await client.call('setAllowlist', { paths: [...others, ...added] });
  return tellAllowed(session, after.paths);
}

/** Taking back what is not on the list would change nothing, and the person would believe that it did. */
function requireListed(entries: readonly AllowedPath[], paths: readonly string[]): void {
  const missing = paths.find((path) => !entries.some((entry) => entry.path === path));
  if (missing === undefined) return;
  const folder = entries.find(({ path }) => path === '.' || missing.startsWith(`${path}/`));
  throw new CliError(
    'refused',
    folder === undefined
      ? `${missing} is not on the list; nothing was changed. Look with: gimo allow`
      : `${missing} is not on the list itself; it may be read because ${folder.path} may. Nothing was changed. Take that back with: gimo allow --remove ${folder.path}`,
  );
}

function tellAllowed(session: Session, paths: readonly AllowedPath[]): number {
  const now = session.deps.now();
  return tell(session, { paths }, () => {
    if (paths.length === 0) session.out.line('Clients may read nothing.');
    else
      session.out.table(
        [
          { title: 'PATH', min: 8 },
          { title: 'KIND', min: 4 },
          { title: 'LEFT', min: 4 },
          { title: 'UNTIL', min: 8 },
        ],
        paths.map(({ path, type, expires_at }) => [path, type, ...endOf(expires_at, now)]),
      );
  });
}

/** How long something still holds, and until when. */
function endOf(until: string, now: number): [left: string, until: string] {
  const end = Date.parse(until);
  if (end >= farAway) return ['', 'taken back'];
  return [age(new Date(now).toISOString(), end), until];
}
