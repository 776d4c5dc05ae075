/*
 * How the clients of the Model Context Protocol want to be told of a server, each in its own file. Where a client reads
 * secrets from elsewhere, the token is not written down.
 */

/** The environment variable that clients read the token from. */
export const tokenVariable = 'GIMO_MCP_TOKEN';

export type McpClient = 'claudeCode' | 'claudeDesktop' | 'cursor' | 'vscode';

export interface McpConfiguration {
  /** The file's text. */
  text: string;
  /** Whether the token itself stands in it. */
  holdsToken: boolean;
  /** What the person does with it, in words. */
  next: string;
}

/**
 * @param url of the server, without a slash at the end
 * @param token of the role that the client gets
 */
export function mcpConfiguration(client: McpClient, url: string, token: string): McpConfiguration {
  const address = `${url}/mcp`;
  const bearer = (from: string) => ({ Authorization: `Bearer ${from}` });
  switch (client) {
    case 'claudeCode':
      return {
        ...file({
          mcpServers: {
            gimo: { type: 'http', url: address, headers: bearer(`\${${tokenVariable}}`) },
          },
        }),
        next: `Paste it into .mcp.json, and set the environment variable ${tokenVariable} to the token before you start Claude Code.`,
      };
    case 'cursor':
      return {
        ...file({
          mcpServers: { gimo: { url: address, headers: bearer(`\${env:${tokenVariable}}`) } },
        }),
        next: `Paste it into ~/.cursor/mcp.json, and set the environment variable ${tokenVariable} to the token before you start Cursor.`,
      };
    case 'vscode':
      return {
        ...file({
          inputs: [
            { type: 'promptString', id: 'gimo-token', description: 'GIMO token', password: true },
          ],
          servers: {
            // biome-ignore lint/suspicious/noTemplateCurlyInString: the editor fills it in
            gimo: { type: 'http', url: address, headers: bearer('${input:gimo-token}') },
          },
        }),
        next: 'Paste it into .vscode/mcp.json. VS Code asks for the token once, and keeps it safe.',
      };
    case 'claudeDesktop':
      return {
        ...file({
          mcpServers: {
            gimo: {
              command: 'npx',
              // A space in an argument gets lost on Windows, so the header's value comes from the environment.
              args: ['-y', 'mcp-remote', address, '--header', `Authorization:\${${tokenVariable}}`],
              env: { [tokenVariable]: `Bearer ${token}` },
            },
          },
        }),
        holdsToken: true,
        next: 'Paste it into claude_desktop_config.json, and restart Claude Desktop. It reaches GIMO through the program mcp-remote, which npx gets.',
      };
  }
}

const file = (value: object) => ({ text: JSON.stringify(value, null, 2), holdsToken: false });
