import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

export interface Places {
  /** The repository of GIMO. */
  root: string;
  /** The sample repository. */
  sample: string;
  /** What an editor keeps that was started for this, away from a person's own. */
  kept: string;
}

/**
 * What an editor is set to that opens only to show GIMO; whoever changes it keeps the change. The sample is ours, so
 * nobody is asked whether to trust it.
 */
export const startSettings: Readonly<Record<string, unknown>> = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** What the extension is told: the first provider is the one that needs no model. */
export const startEnv = { GIMO_FIRST_PROVIDER: 'offline' } as const;

/** Packages the extension. Throws if that fails; what failed is told on the way. */
export function packageExtension({ root, kept }: Places): string {
  mkdirSync(kept, { recursive: true });
  const vsix = path.join(kept, 'gimo.vsix');
  const windows = process.platform === 'win32';
  const { status } = spawnSync(
    windows ? 'npm.cmd' : 'npm',
    ['run', '--silent', 'package', '--', '--out', windows ? `"${vsix}"` : vsix],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], shell: windows },
  );
  if (status !== 0) throw new Error('The extension could not be packaged. See above.');
  return vsix;
}

/** What to do first, below where GIMO is. */
export function tellSteps(where: string): void {
  console.log(`
${where}

  1. Click the GIMO icon in the bar on the left.
  2. Generate Draft: say what you want, such as "Explain how the tests are started".
     No model is needed: the offline provider answers from the files.
  3. Click the draft that waits, read it, then approve and run it.
  4. Runs shows every step, and its log.
  5. Ctrl-C here ends everything. What was written stays.
`);
}

/** A port of loopback: this one if it is free, else any. */
export async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const found = await tryPort(port);
    if (found !== null) return found;
  }
  throw new Error('There is no free port.');
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      const found = typeof address === 'object' && address !== null ? address.port : null;
      probe.close(() => resolve(found));
    });
  });
}
