/**
 * Calls back once when this program should end: at Ctrl-C, when it is told to, or when npm has ended. A second signal
 * would cut the stop short, and npm passes on the Ctrl-C that the terminal sends as well.
 */
export function whenToStop(stop: () => void): void {
  let stopping = false;
  const once = () => {
    if (!stopping) stop();
    stopping = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, once);
  // Who ends npm ends only the shell between npm and us; then we have another parent.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && once(), 1000).unref();
}
