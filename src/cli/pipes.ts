import type { Writable } from 'node:stream';

/**
 * Says what a reader that goes away means (`gimo drafts | head`). Nobody reads the answer any more: the command ends,
 * before anything is approved unseen. Nobody reads the log any more: a server goes on.
 */
export function mindBrokenPipes(
  stdout: Pick<Writable, 'on'>,
  stderr: Pick<Writable, 'on'>,
  exit: (code: number) => void,
): void {
  const isBroken = (error: Error) => 'code' in error && error.code === 'EPIPE';
  stdout.on('error', (error) => {
    if (!isBroken(error)) throw error;
    exit(1);
  });
  stderr.on('error', (error) => {
    if (!isBroken(error)) throw error;
  });
}
