/** A button below a refusal: a command that leads out of it. */
interface WayOut {
  label: string;
  command: string;
}

/** Something that a person asked for and cannot have now; its message says why, and what to do. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly wayOut: WayOut | undefined;

  constructor(message: string, wayOut?: WayOut) {
    super(message);
    this.wayOut = wayOut;
  }
}

/** Whether something thrown is a `Refusal`; known by its name, since what is loaded later has a class of its own. */
export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && error.name === 'Refusal';

/**
 * What a person is told about something thrown. An error that crosses a boundary says it itself; it is known by its
 * name, because its class comes from the server's bundle, which the editor does not load to activate.
 */
export function messageOf(error: unknown): string {
  if (error instanceof Error && error.name === 'GimoError') return error.message;
  const what = error instanceof Error ? error.message : String(error);
  return `Something went wrong that GIMO did not expect (${what}). The log tells more.`;
}

/** What the log is told about something thrown, with the stack if there is one. */
export function detailsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The code of an error that crossed a boundary; null of anything else that was thrown. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'GimoError' || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** What the server answers about a record; null if it has none, or none any more. Rejects as the client does. */
export async function unlessGone<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) === 'not_found') return null;
    throw error;
  }
}

/** How long a message about what a person did stands in the status bar, in milliseconds. */
export const toldMs = 6000;
