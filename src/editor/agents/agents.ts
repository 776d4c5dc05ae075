import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { registerLmTools } from './lmTools.ts';
import { registerMcpServer } from './mcpServers.ts';

/**
 * What the editor's own agents get. Editors differ in what they know of such things, and some only seem to: where it
 * cannot be offered, that is noted, and all else works.
 *
 * @param parts.host the running server, or null
 */
export function registerForAgents(parts: {
  host: () => Served | null;
  onHostChange: vscode.Event<void>;
  version: string;
  note: (error: unknown) => void;
}): vscode.Disposable {
  const offer = (register: () => vscode.Disposable) => {
    try {
      return register();
    } catch (error) {
      parts.note(error);
      return new vscode.Disposable(() => undefined);
    }
  };
  return vscode.Disposable.from(
    offer(() => registerLmTools(parts.host)),
    offer(() => registerMcpServer(parts)),
  );
}
