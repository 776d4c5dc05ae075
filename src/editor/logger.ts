import type { LogOutputChannel } from 'vscode';
import type { Logger } from '../core/ports.ts';

/** Writes the program's log into an output channel of the editor, which adds the time and keeps the level. */
export function channelLogger(channel: LogOutputChannel): Logger {
  return {
    log(level, message, fields = {}) {
      const told = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
      channel[level](`${message}${told}`);
    },
  };
}
