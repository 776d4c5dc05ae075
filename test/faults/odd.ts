/* Modules that are loaded into a server before it, so that it sees an odd world. */

/** What a process on another machine sees: the same files, another host name. */
export const elsewhere = preloaded(
  "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';" +
    "os.hostname = () => 'far-host'; syncBuiltinESMExports();",
);

/** A clock that somebody sets, at each signal: an hour ahead, then an hour back. */
export const unsteady = preloaded(`
  const Real = Date, now = Date.now, offsets = [3_600_000, -3_600_000];
  let jumps = 0, offset = 0;
  process.on('SIGUSR2', () => {
    offset = offsets[jumps];
    jumps += 1;
    process.stderr.write('jump ' + jumps + ';');
  });
  globalThis.Date = class extends Real {
    constructor(...given) { super(...(given.length > 0 ? given : [now() + offset])); }
    static now() { return now() + offset; }
  };
`);

function preloaded(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
