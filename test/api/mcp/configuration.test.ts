import { readFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type McpClient,
  mcpConfiguration,
  tokenVariable,
} from '../../../src/editor/agents/mcpConfiguration.ts';
import { lmToolIds, mcpProviderId } from '../../../src/editor/ids.ts';
import { startServer } from '../harness.ts';

/* What "Copy MCP Configuration" copies, read as each client reads its file. */

const Remote = z.object({
  type: z.literal('http').optional(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
});
const named = <T extends z.ZodType>(server: T) => z.strictObject({ gimo: server });

/** How each client reads a server, with the variables in it filled in. */
const readers: Record<
  Exclude<McpClient, 'claudeDesktop'>,
  (text: string, token: string) => unknown
> = {
  claudeCode: (text, token) =>
    z
      .strictObject({ mcpServers: named(Remote.required()) })
      .parse(fill(text, `\${${tokenVariable}}`, token)).mcpServers.gimo,
  cursor: (text, token) =>
    z
      .strictObject({ mcpServers: named(Remote) })
      .parse(fill(text, `\${env:${tokenVariable}}`, token)).mcpServers.gimo,
  vscode(text, token) {
    const Input = z.object({
      ...{ type: z.literal('promptString'), id: z.string(), description: z.string() },
      password: z.literal(true),
    });
    const File = z.strictObject({ inputs: z.tuple([Input]), servers: named(Remote.required()) });
    const { inputs } = File.parse(JSON.parse(text));
    return File.parse(fill(text, `\${input:${inputs[0].id}}`, token)).servers.gimo;
  },
};

function fill(text: string, variable: string, value: string): unknown {
  expect(text).toContain(variable);
  return JSON.parse(text.replaceAll(variable, value));
}

async function connects(server: unknown) {
  const { url, headers } = Remote.parse(server);
  const client = new Client({ name: 'configured', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  onTestFinished(() => client.close());
  return (await client.listTools()).tools.map(({ name }) => name);
}

describe('the configuration', () => {
  it.each(['claudeCode', 'cursor', 'vscode'] as const)(
    'for %s leads to the tools of the role, and does not hold the token',
    async (which) => {
      const server = await startServer();
      const token = server.host.token('agent');
      const { text, holdsToken, next } = mcpConfiguration(which, server.host.url, token);
      expect(holdsToken).toBe(false);
      expect(text).not.toContain(token);
      expect(next).not.toContain(token);
      const tools = await connects(readers[which](text, token));
      expect(tools).toContain('create_draft');
      expect(tools).not.toContain('create_run');
    },
  );

  it('for Claude Desktop holds the token in the environment of mcp-remote, and says so', async () => {
    const server = await startServer();
    const token = server.host.token('actions');
    const { text, holdsToken } = mcpConfiguration('claudeDesktop', server.host.url, token);
    expect(holdsToken).toBe(true);
    const Local = z.object({
      command: z.literal('npx'),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    });
    const { args, env } = z.strictObject({ mcpServers: named(Local) }).parse(JSON.parse(text))
      .mcpServers.gimo;
    expect(args.join(' ')).not.toContain(token);
    const [, value = ''] = args.at(-1)?.split(':', 2) ?? [];
    const Authorization = value.replace(/\$\{(\w+)\}/, (_all, name: string) => env[name] ?? '');
    expect(await connects({ url: args[2], headers: { Authorization } })).toContain('list_drafts');
  });
});

it('package.json names the tools and the provider as the code does', () => {
  const Manifest = z.object({
    contributes: z.object({
      mcpServerDefinitionProviders: z.array(z.object({ id: z.string() })),
      languageModelTools: z.array(
        z.object({ name: z.string(), modelDescription: z.string(), inputSchema: z.object({}) }),
      ),
    }),
  });
  const { contributes } = Manifest.parse(
    JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')),
  );
  expect(contributes.mcpServerDefinitionProviders.map(({ id }) => id)).toEqual([mcpProviderId]);
  const names = contributes.languageModelTools.map(({ name }) => name);
  expect(names.sort()).toEqual(Object.values(lmToolIds).sort());
  for (const name of names)
    expect(name).not.toMatch(/approve|reject|config|provider|token|resolve/);
});
