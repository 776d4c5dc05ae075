import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Session } from './deps.ts';
import { CliError } from './failures.ts';

/** What a question is asked with. */
export interface Question {
  text: string;
  /** What is told when the answer is no, or Ctrl-C: that nothing was done. */
  otherwise: string;
}

/**
 * Whether a person has to be asked: not if the yes came with the command. Where the thing is shown and the answer is
 * typed a person must be, so without a terminal the command is refused, before anything is done.
 *
 * @param given whether an option stands for the yes
 * @param hint what to do without a terminal
 * @throws CliError `usage`
 */
export function mustAsk(session: Session, given: boolean, hint: string): boolean {
  if (given) return false;
  if (onTerminal(session)) return true;
  throw new CliError('usage', `There is no terminal to ask on. ${hint}`);
}

/** Whether a person sees what is shown, and can answer. */
export function onTerminal({ deps, json }: Session): boolean {
  const sink = json ? deps.stderr : deps.stdout;
  return deps.stdin.isTTY === true && sink.isTTY === true;
}

/**
 * Waits for a yes, spelled out. Any other answer is a no.
 *
 * @throws CliError `refused` after a no, `interrupted` after Ctrl-C
 */
export async function demandYes(session: Session, { text, otherwise }: Question): Promise<void> {
  const answer = await readLine(session, { text: `${text} Type yes`, otherwise });
  if (answer?.trim() === 'yes') return;
  const meant = /^\s*['"]?y(es?)?['"]?\s*$/i.test(answer ?? '');
  throw new CliError(
    'refused',
    meant ? `${otherwise} A yes has to be typed in full: yes` : otherwise,
  );
}

/**
 * Asks, and waits for one line. The terminal stays in its line mode, so that the person can mend it.
 *
 * @returns the line without its end, or null when the input ended without one
 * @throws CliError `interrupted` after Ctrl-C
 */
const readLine = (session: Session, question: Question) =>
  lineOf(session, createInterface({ input: session.deps.stdin, terminal: false }), question);

/**
 * Asks for a secret, which is not shown while it is typed.
 *
 * @returns what was typed, or null when the input ended
 * @throws CliError `interrupted` after Ctrl-C
 */
export async function askSecret(session: Session, question: Question): Promise<string | null> {
  /* Readline echoes to its output, so it gets one that keeps nothing; it is what takes the terminal's own echo away,
   * which has to be gone before the question stands there. */
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const input = session.deps.stdin;
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  return await lineOf(session, lines, question);
}

/** The question stands there once its answer is waited for: who presses Ctrl-C at once is answered, too. */
async function lineOf(
  { deps, err }: Session,
  lines: ReturnType<typeof createInterface>,
  { text, otherwise }: Question,
): Promise<string | null> {
  let onInterrupt: () => void = () => undefined;
  try {
    return await new Promise((resolve, reject) => {
      onInterrupt = () => reject(new CliError('interrupted', otherwise));
      deps.signals.on('SIGINT', onInterrupt);
      lines.once('SIGINT', onInterrupt);
      lines.once('line', resolve);
      lines.once('close', () => resolve(null));
      err.line({ text, colour: 'bold' });
    });
  } finally {
    deps.signals.off('SIGINT', onInterrupt);
    lines.close();
  }
}
