/*
 * What the providers need from the editor that hosts the server, in core's words. Both sides are bundled apart, so
 * they share no class of error: what went wrong comes back as a sentence.
 */

/** What the editor's model said, or why it said nothing: a sentence or two that tell what to do. */
export type EditorAnswer = { text: string } | { problem: string };

/** The editor's own model. Its methods reject with the signal's reason when aborted, and with nothing else. */
export interface EditorModel {
  /** @param model an id or a family, see the provider entry; `auto` or empty: whichever the editor offers first */
  ask(
    model: string,
    request: {
      text: string;
      /** For a client the editor never asks a person whether GIMO may use its model. */
      audience: 'person' | 'client';
      signal: AbortSignal;
      onText(piece: string): void;
    },
  ): Promise<EditorAnswer>;
  /** Tells whether the model is there, and asks it for nothing. */
  check(model: string, signal: AbortSignal): Promise<EditorAnswer>;
}
