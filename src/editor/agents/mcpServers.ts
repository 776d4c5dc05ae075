import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { mcpProviderId } from '../ids.ts';

/**
 * Tells the editor of the server's /mcp, so that its own agents find GIMO's tools. They get the rights of the role
 * `agent`: to read and to propose. The token is handed over when the editor connects, and stands in no file.
 *
 * The API came with VS Code 1.101: an editor that does not have it is left alone.
 *
 * @param host the running server, or null
 */
export function registerMcpServer(parts: {
  host: () => Served | null;
  onHostChange: vscode.Event<void>;
  version: string;
}): vscode.Disposable {
  const { lm } = vscode;
  const Definition: unknown = Reflect.get(vscode, 'McpHttpServerDefinition');
  const register: unknown =
    lm === undefined ? undefined : Reflect.get(lm, 'registerMcpServerDefinitionProvider');
  if (typeof Definition !== 'function' || typeof register !== 'function')
    return new vscode.Disposable(() => undefined);
  const define = (headers: Record<string, string>): unknown[] => {
    const host = parts.host();
    if (host === null) return [];
    const address = vscode.Uri.parse(`${host.url}/mcp`);
    return [Reflect.construct(Definition, ['GIMO', address, headers, parts.version])];
  };
  const provider = {
    onDidChangeMcpServerDefinitions: parts.onHostChange,
    provideMcpServerDefinitions: () => define({}),
    async resolveMcpServerDefinition() {
      const token = await parts.host()?.token('agent');
      return token === undefined ? undefined : define({ Authorization: `Bearer ${token}` })[0];
    },
  };
  const registered: unknown = Reflect.apply(register, lm, [mcpProviderId, provider]);
  const end: unknown = Object(registered).dispose;
  return new vscode.Disposable(() => {
    if (typeof end === 'function') Reflect.apply(end, registered, []);
  });
}
