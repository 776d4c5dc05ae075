import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { visibleText } from '../contract/visible.ts';
import { addApprove } from './commands/approve.ts';
import { addDraft } from './commands/draft.ts';
import { addDrafts } from './commands/drafts.ts';
import { addGenerate } from './commands/generate.ts';
import { addLogs } from './commands/logs.ts';
import { addOpenApi } from './commands/openapi.ts';
import { addReject } from './commands/reject.ts';
import { addRuns } from './commands/runs.ts';
import { addServe } from './commands/serve.ts';
import { addStatus } from './commands/status.ts';
import { addSteer } from './commands/steer.ts';
import { connect } from './connect.ts';
import type { CliDeps, Run, Session } from './deps.ts';
import { discover } from './discover.ts';
import { describe, exitCodes } from './failures.ts';
import { createOutput } from './output.ts';

/** The command line. */
export interface Program {
  /**
   * Runs one command.
   * @param args without the names of node and the script
   * @returns the exit code: 0, 1 refused, 2 usage, 3 no server, 130 interrupted while following
   */
  run(args: readonly string[]): Promise<number>;
  /** The commands, for whoever lists or documents them. */
  readonly command: Command;
}

const examples = `
Examples:
  $ gimo serve                        start the server of this directory
  $ gimo generate "Add a health check" --root ~/code/app
  $ gimo drafts --status draft        what waits for a yes
  $ gimo approve d_1795403040476_dfbc34 --run

Exit codes: 0 done, 1 refused, 2 usage, 3 no server.`;

const groups = [
  addServe,
  addStatus,
  addDrafts,
  addDraft,
  addGenerate,
  addApprove,
  addReject,
  addRuns,
  addSteer,
  addLogs,
  addOpenApi,
];

/** Makes the command line over what the composition root hands in. */
export function createProgram(deps: CliDeps): Program {
  const command = rootCommand(deps);
  let exitCode: number = exitCodes.ok;
  const run: Run = async (handler) => {
    const session = openSession(command, deps);
    try {
      exitCode = await handler(session);
    } catch (error) {
      exitCode = tell(session, error);
    }
  };
  for (const add of groups) add(command, run);
  return {
    command,
    async run(args) {
      try {
        await command.parseAsync([...args], { from: 'user' });
        return exitCode;
      } catch (error) {
        /* Commander has printed its text already. */
        if (!(error instanceof CommanderError)) throw error;
        return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      }
    },
  };
}

function rootCommand(deps: CliDeps): Command {
  return new Command('gimo')
    .description('Work that language models propose and people allow.')
    .version(deps.version, '--version', 'print the version')
    .option('--root <dir>', 'the workspace (default: the current directory)')
    .option('--json', 'print the raw JSON answer')
    .addHelpText('after', examples)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => deps.stdout.write(visibleText(text)),
      writeErr: (text) => deps.stderr.write(visibleText(text)),
      getOutHelpWidth: () => deps.stdout.columns || 80,
      getErrHelpWidth: () => deps.stderr.columns || 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function openSession(command: Command, deps: CliDeps): Session {
  const { root = '.', json = false } = command.opts<{ root?: string; json?: boolean }>();
  const path = resolve(deps.cwd, root);
  return {
    deps,
    json,
    root: path,
    out: createOutput(deps.stdout, deps.env),
    err: createOutput(deps.stderr, deps.env),
    connect: async () => connect(await discover(deps.ledger, path, deps.env), deps.env),
  };
}

function tell(session: Session, error: unknown): number {
  const { exitCode, code, detail } = describe(error);
  if (session.json) session.err.json({ detail, code }, 0);
  else session.err.line({ text: 'gimo: ', colour: 'red' }, detail);
  return exitCode;
}
