import type { Command } from 'commander';
import { originIn } from '../../contract/addresses.ts';
import type { Logger } from '../../core/ports.ts';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { integer } from '../input.ts';

interface Options {
  port?: number;
  publicUrl?: string;
  takeOver?: boolean;
}

const defaultPort = 9325;
const parsePort = integer(0, 65_535);

/** `gimo serve` */
export function addServe(program: Command, run: Run): void {
  program
    .command('serve')
    .description('start the server of a workspace, without an editor')
    .option(
      '--port <n>',
      `exactly this port, 0 for any (default: ORCH_PORT, else ${defaultPort})`,
      parsePort,
    )
    .option(
      '--public-url <url>',
      'where a tunnel of yours leads here from, such as https://gimo.example.com (default: GIMO_PUBLIC_URL)',
    )
    .option('--take-over', 'take the data directory over from a server on another host')
    .addHelpText(
      'after',
      example(
        'serve --root ~/code/app --port 0',
        'Prints one JSON line when it is ready, and its log as JSON to the standard error; on a terminal, and without --json, it says both in words. SIGTERM or Ctrl-C stops it.',
      ),
    )
    .action((options: Options) => run((session) => serve(session, options)));
}

/** The port to listen on: the flag before the environment before the default. Throws `CliError`. */
function portOf(flag: number | undefined, env: string | undefined): number {
  if (flag !== undefined) return flag;
  if (env === undefined || env === '') return defaultPort;
  try {
    return parsePort(env);
  } catch (cause) {
    throw new CliError('usage', 'ORCH_PORT must be a whole number from 0 to 65535.', { cause });
  }
}

/** Where clients outside reach the server; null: nowhere but here. The flag before the environment. Throws `CliError`. */
function publicUrlOf(flag: string | undefined, env: string | undefined): string | null {
  const given = flag ?? env?.trim();
  if (given === undefined || given === '') return null;
  const origin = originIn(given);
  if (origin !== null) return origin;
  const name = flag === undefined ? 'GIMO_PUBLIC_URL' : '--public-url';
  throw new CliError(
    'usage',
    `${name} has to be an address such as https://gimo.example.com: http or https and a host, without a path.`,
  );
}

async function serve(session: Session, options: Options): Promise<number> {
  const { deps } = session;
  const port = portOf(options.port, deps.env.ORCH_PORT);
  const publicUrl = publicUrlOf(options.publicUrl, deps.env.GIMO_PUBLIC_URL);
  const words = !session.json && deps.stderr.isTTY === true;
  const logger = words ? wordsLog(session) : jsonLog(session);
  const ending = awaitEnd(session);
  try {
    const host = await deps.startHost({
      root: session.root,
      port,
      hostedBy: 'headless',
      version: deps.version,
      env: deps.env,
      logger,
      publicUrl: () => publicUrl,
      takeOver: options.takeOver === true,
      tokensMadeAnew: () => logger.log('warn', tokensLost),
      onStopped: (reason) => ending.stopped(reason),
    });
    tellReady(session, host, words);
    const end = await ending.wanted;
    if (end.by === 'signal') {
      await stopOrExit(host, session, logger);
      if (words) session.err.line('The server stopped.');
    } else logger.log('info', 'The server stopped.', { reason: end.reason });
    return exitCodes.ok;
  } finally {
    ending.release();
  }
}

const tokensLost =
  'The tokens that were kept for this workspace are gone, so new ones were made, and clients with an old one are turned away. Give each a new one with: gimo token rotate ROLE. Keys of providers may be gone as well; see: gimo provider check';

/** A program waits for the line of JSON; a person wants to know where, and how it ends. */
function tellReady(
  { deps, root, out, err }: Session,
  { url, pid, dataDir }: { url: string; pid: number; dataDir: string },
  words: boolean,
): void {
  if (!words || deps.stdout.isTTY !== true)
    out.json({ event: 'listening', url, pid, data_dir: dataDir }, 0);
  if (words) err.line(`GIMO listens at ${url} for ${root}. Ctrl-C stops it.`);
}

/** Stops the server. What it still waits for, of a disk that does not answer, must not keep the process. */
async function stopOrExit(
  host: { stop(): Promise<void> },
  { deps }: Session,
  logger: Logger,
): Promise<void> {
  try {
    await host.stop();
  } catch (error) {
    // Now, since nothing is told after the exit.
    logger.log('error', error instanceof Error ? error.message : String(error));
    deps.exit(1);
    throw error;
  }
}

/** Waits for whoever ends the server: a signal, or the server itself. The next signal does not wait any more. */
function awaitEnd({ deps }: Session) {
  let end: (why: { by: 'signal' } | { by: 'itself'; reason: string }) => void = () => undefined;
  const wanted = new Promise<Parameters<typeof end>[0]>((resolve) => {
    end = resolve;
  });
  let signalled = false;
  const onSignal = () => {
    if (signalled) deps.exit(1);
    signalled = true;
    end({ by: 'signal' });
  };
  for (const name of ['SIGINT', 'SIGTERM']) deps.signals.on(name, onSignal);
  return {
    wanted,
    stopped: (reason: string) => end({ by: 'itself', reason }),
    release() {
      for (const name of ['SIGINT', 'SIGTERM']) deps.signals.off(name, onSignal);
    },
  };
}

/** A log for a person, on the standard error: what is no detail, in short. */
function wordsLog({ err }: Session): Logger {
  const marks = {
    info: [],
    warn: [{ text: 'warning: ', colour: 'yellow' }],
    error: [{ text: 'error: ', colour: 'red' }],
  } as const;
  return {
    log(level, message, { reason } = {}) {
      if (level === 'debug') return;
      err.line(...marks[level], typeof reason === 'string' ? `${message} ${reason}` : message);
    },
  };
}

/** A log of JSON lines on the standard error. */
function jsonLog({ deps, err }: Session): Logger {
  return {
    log(level, message, fields = {}) {
      const own = { ts: new Date(deps.now()).toISOString(), level, message };
      err.json({ ...own, ...fields, ...own }, 0);
    },
  };
}
