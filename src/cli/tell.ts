import type { Session } from './deps.ts';
import { type ExitCode, exitCodes } from './failures.ts';

/** Prints an answer as it came for a script, else what `show` makes of it for a person. @returns that all is well */
export function tell<T>({ json, out }: Session, answer: T, show: (answer: T) => void): ExitCode {
  if (json) out.json(answer);
  else show(answer);
  return exitCodes.ok;
}
