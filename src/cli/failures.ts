import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';

/** What the process ends with. `interrupted` is what a shell reports for Ctrl-C (128 + SIGINT). */
export const exitCodes = { ok: 0, refused: 1, usage: 2, noServer: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

type Kind = Exclude<keyof typeof exitCodes, 'ok'>;

/** Ends a command with a text for the person and an exit code. */
export class CliError extends Error {
  readonly kind: Kind;

  /** @param message what happened, why, and what to do next */
  constructor(kind: Kind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.kind = kind;
  }
}

const names = {
  refused: 'refused',
  usage: 'usage',
  noServer: 'no_server',
  interrupted: 'interrupted',
} as const;

/** Turns whatever a command threw into an exit code, a text and a code for `--json`. */
export function describe(error: unknown): { exitCode: ExitCode; code: string; detail: string } {
  if (error instanceof CliError)
    return { exitCode: exitCodes[error.kind], code: names[error.kind], detail: error.message };
  if (GimoError.is(error))
    return { exitCode: exitCodes.refused, code: error.code, detail: error.message };
  if (error instanceof z.ZodError || error instanceof SyntaxError)
    return {
      exitCode: exitCodes.refused,
      code: 'internal',
      detail:
        'The server answered something that this version of gimo cannot read. Use the same version of both.',
    };
  const detail = error instanceof Error ? error.message : String(error);
  return { exitCode: exitCodes.refused, code: 'internal', detail: `Something failed: ${detail}` };
}
