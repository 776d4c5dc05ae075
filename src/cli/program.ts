import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { visibleText } from '../contract/visible.ts';
import { addAllow } from './commands/allow.ts';
import { addApprove } from './commands/approve.ts';
import { addApproved } from './commands/approved.ts';
import { addAudit } from './commands/audit.ts';
import { addBrake } from './commands/brake.ts';
import { addChanges } from './commands/changes.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDraft } from './commands/draft.ts';
import { addDrafts } from './commands/drafts.ts';
import { addGenerate } from './commands/generate.ts';
import { addLogs } from './commands/logs.ts';
import { addOpenApi } from './commands/openapi.ts';
import { addPlan } from './commands/plan.ts';
import { addProvider } from './commands/provider.ts';
import { addRedraft } from './commands/redraft.ts';
import { addReject } from './commands/reject.ts';
import { addRuns } from './commands/runs.ts';
import { addServe } from './commands/serve.ts';
import { addStatus } from './commands/status.ts';
import { addSteer } from './commands/steer.ts';
import { addToken } from './commands/token.ts';
import { addWatch } from './commands/watch.ts';
import { connect } from './connect.ts';
import type { CliDeps, Run, Session } from './deps.ts';
import { describe, exitCodes } from './failures.ts';
import { createOutput } from './output.ts';

/** The command line. */
export interface Program {
  /**
   * Runs one command.
   * @param args without the names of node and the script
   * @returns the exit code: 0, 1 refused, 2 usage, 3 no server, 130 interrupted
   */
  run(args: readonly string[]): Promise<number>;
  /** The commands, for whoever lists or documents them. */
  readonly command: Command;
}

const footer = `
Example:
  $ gimo status --root ~/code/app

Start with: gimo serve. Then: gimo generate "…", gimo approve ID --run, gimo logs -f ID, gimo watch.
Exit codes: 0 done, 1 refused, 2 usage, 3 no server, 130 Ctrl-C.`;

/* What `gimo` alone says. */
const mainJob = `gimo serve                       start the server of this directory
gimo generate "Add a check"      ask the model for a draft; or: gimo draft new "…"
gimo drafts --status draft       see what waits for a yes
gimo approve ID --run            read it whole, say yes, and run exactly that
gimo watch                       see what happens; gimo --help lists every command
`;

type Add = (program: Command, run: Run) => void;

/** The commands, under the headings that the help shows them. */
const groups: readonly (readonly [string, readonly Add[]])[] = [
  ['Server:', [addServe, addStatus, addWatch]],
  ['Propose:', [addDraft, addDrafts, addGenerate, addPlan, addRedraft]],
  ['Decide:', [addApprove, addReject]],
  ['Run:', [addApproved, addRuns, addSteer, addLogs]],
  ['Set up:', [addConfig, addProvider, addAllow, addChanges, addToken]],
  ['Watch over:', [addAudit, addBrake]],
  ['Connect:', [addOpenApi, addCompletion]],
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
  for (const [heading, adders] of groups) {
    command.commandsGroup(heading);
    for (const add of adders) add(command, run);
  }
  command.helpCommand('help [command]', 'show how a command is used');
  return {
    command,
    async run(args) {
      if (args.length === 0) {
        deps.stderr.write(mainJob);
        return exitCodes.usage;
      }
      try {
        await command.parseAsync(withoutHelp(command, args), { from: 'user' });
        return exitCode;
      } catch (error) {
        /* Commander has printed its text already. */
        if (!(error instanceof CommanderError)) throw error;
        return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      }
    },
  };
}

/** `help` of a command that there is not is that command: commander says of it what is wrong, and what comes close. */
function withoutHelp({ commands }: Command, args: readonly string[]): string[] {
  const [word, asked] = args;
  const known = asked === undefined || commands.some((one) => one.name() === asked);
  return word !== 'help' || known || asked.startsWith('-') ? [...args] : [asked];
}

function rootCommand(deps: CliDeps): Command {
  return new Command('gimo')
    .description('Work that language models propose and people allow.')
    .version(deps.version, '-v, --version', 'print the version')
    .option('--root <dir>', 'the workspace (default: the current directory)')
    .option('--json', 'print the raw JSON answer')
    .addHelpText('after', footer)
    .showHelpAfterError('See: gimo --help, gimo --version')
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
    connect: () => connect({ ledger: deps.ledger, root: path, cwd: deps.cwd, env: deps.env }),
  };
}

function tell(session: Session, error: unknown): number {
  const { exitCode, code, detail } = describe(error);
  if (session.json) session.err.json({ detail, code }, 0);
  else session.err.line({ text: 'gimo: ', colour: 'red' }, detail);
  return exitCode;
}
