import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { commandIds } from '../ids.ts';
import { hostIn, type Server } from '../server/server.ts';

const start = 'Start Server';

/**
 * The running server, also one that is starting now. Where there is none, says so and offers to start it.
 *
 * @returns null if there is none in the end
 */
export async function needsHost(server: Server): Promise<Served | null> {
  if (hostIn(server.state) === null) await server.settled();
  const host = hostIn(server.state);
  if (host !== null) return host;
  const picked = await vscode.window.showInformationMessage(
    'The GIMO server is not running in this window.',
    start,
  );
  if (picked !== start) return null;
  await vscode.commands.executeCommand(commandIds.startServer);
  return hostIn(server.state);
}
