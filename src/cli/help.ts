/** The example at the end of a command's help. */
export function example(line: string, says?: string): string {
  return `\nExample:\n  $ gimo ${line}${says === undefined ? '' : `\n\n${says}`}`;
}
