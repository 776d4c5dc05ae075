import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configHome } from '../../src/store/paths.ts';
import { type CodeServer, startCodeServer } from '../vscode-host/codeServer.ts';
import { ensureHost } from '../vscode-host/ensure.ts';
import { openDoor } from './door.ts';
import { type Places, packageExtension, startEnv, startSettings, tellSteps } from './places.ts';
import { whenToStop } from './stopping.ts';

/**
 * Opens the sample in a VS Code that a browser shows. It listens on a socket that only this user can open; in front of
 * it stands a port of loopback that asks for a secret, since whoever gets in has a terminal.
 */
export async function startInBrowser(places: Places): Promise<void> {
  if (process.platform !== 'linux')
    throw new Error(
      'There is no "code" command. In VS Code, run "Shell Command: Install \'code\' command in PATH", then `npm start` again; or `npm start -- --terminal` to go without an editor.',
    );
  let server: CodeServer | undefined;
  let stopping = false;
  // From now on: what is just about to start has to end, too.
  whenToStop(() => {
    stopping = true;
    void server?.stop();
  });
  const host = ensureHost();
  console.log('Starting VS Code with GIMO (some seconds).');
  const vsix = packageExtension(places);
  // The path of a socket has at most about 100 bytes, so it lies in no deep folder.
  const short = mkdtempSync(path.join(tmpdir(), 'gimo-'));
  const socket = path.join(short, 'editor');
  try {
    server = await startCodeServer({
      ...{ host, vsix, socket, settings: startSettings },
      scratch: path.join(places.kept, 'browser'),
      log: path.join(places.kept, 'browser.log'),
      // The server of `npm start -- --terminal` keeps its ledger there, too, and the sample is the same.
      env: { ...startEnv, GIMO_CONFIG_HOME: configHome(process.env) },
    });
    if (stopping) return await server.stop();
    const door = await openDoor(socket);
    const folder = encodeURIComponent(places.sample);
    tellSteps(
      `GIMO is in VS Code. Open this address in a browser on this computer:\n\n  ${door.address}&folder=${folder}`,
    );
    await server.ended;
    door.close();
  } finally {
    rmSync(short, { recursive: true, force: true });
  }
}
