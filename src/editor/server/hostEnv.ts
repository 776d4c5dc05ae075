/**
 * The environment that a server hosted by an editor sees: `ORCH_*` names and tokens are for headless use only, and an
 * editor's environment may hold those of another server that was started in the same shell.
 */
export function hostEnv(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const headless = (name: string) => name.startsWith('ORCH_') || /^GIMO_(\w+_)?TOKEN$/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !headless(name)));
}
