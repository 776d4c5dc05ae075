import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { registerForAgents } from '../../src/editor/agents/agents.ts';
import { lmTool } from '../../src/editor/agents/lmTools.ts';
import { tokenVariable } from '../../src/editor/agents/mcpConfiguration.ts';
import { registerMcpServer } from '../../src/editor/agents/mcpServers.ts';
import { lmToolIds } from '../../src/editor/ids.ts';
import type { Served } from '../../src/http/served.ts';
import { type Person, sitDown } from './person.ts';
import { takeToken } from './remote.ts';

/* What the editor's chats and its MCP clients get of GIMO, in the real editor. */

let person: Person;
let admin: Client;
let address: { url: string; token: string };
let agentToken: string;
const { showQuickPick } = vscode.window;
const none = new vscode.CancellationTokenSource().token;

/** The server of the window as the tools see it. */
function served(): Served {
  const nothing = async () => undefined;
  return {
    ...{
      url: address.url,
      port: Number(new URL(address.url).port),
      dataDir: '',
      ledgerDir: '/ledger',
      attached: true,
      commandLine: null,
    },
    client: admin,
    onChange: () => () => undefined,
    token: async (role) => (role === 'agent' ? agentToken : address.token),
    ...{ stop: nothing, leave: nothing },
  };
}
const invoke = async (name: keyof typeof lmToolIds, input: object = {}) => {
  const result = await lmTool(name, served).invoke({ input, toolInvocationToken: undefined }, none);
  const parts = result?.content ?? [];
  return parts
    .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
    .join('');
};
const asked = async (name: keyof typeof lmToolIds, input: object) => {
  const prepared = await lmTool(name, served).prepareInvocation?.({ input }, none);
  const { title, message } = prepared?.confirmationMessages ?? { title: '', message: '' };
  return { title, message: message instanceof vscode.MarkdownString ? message.value : message };
};

describe('what agents of the editor get', () => {
  before(async () => {
    person = sitDown();
    agentToken = (await takeToken(person, 'agent')).token;
    address = await takeToken(person, 'admin');
    admin = createClient(httpTransport(address.url, address.token));
  });
  after(() => person.leave());
  beforeEach(() => {
    person.told.length = 0;
  });
  afterEach(() => {
    person.answers = undefined;
    person.picks = undefined;
    Object.assign(vscode.window, { showQuickPick });
  });

  describe('language-model tools', () => {
    it('are there for every chat, three of them, and none approves', () => {
      const ours = vscode.lm.tools.filter(({ name }) => name.startsWith('gimo_'));
      assert.deepEqual(ours.map(({ name }) => name).sort(), Object.values(lmToolIds).sort());
      for (const { inputSchema } of ours) assert.equal(Object(inputSchema).type, 'object');
      assert(!ours.some(({ name }) => /approve|reject|run_/.test(name)));
    });

    it('propose a draft that says who wrote it, and that waits for a person', async () => {
      const said = await invoke('proposeDraft', { prompt: 'From a chat', content: '# How' });
      const [id] = /d_\w+/.exec(said) ?? [];
      assert(id !== undefined, said);
      const draft = await admin.call('getDraft', { draft_id: id });
      assert.equal(draft.status, 'draft');
      assert.equal(draft.content, '# How');
      assert.match(JSON.stringify(draft.context), /a language model/);
      assert.match(await invoke('listDrafts'), new RegExp(`^${id}  draft  .*"From a chat"$`, 'm'));
    });

    it('ask before each call, with the text as text', async () => {
      const { title, message } = await asked('proposeDraft', {
        prompt: '# Big [link](https://evil.example) **now**',
      });
      assert.equal(title, 'Propose this to GIMO?');
      assert.match(message, /^\\# Big \\\[link\\\]\\\(/);
      assert.match(message, /before you approve it/);
      for (const name of ['listDrafts', 'lookAtRun'] as const)
        assert.match((await asked(name, {})).title, /\?$/);
    });

    it('show a run with its steps and the end of its log', async () => {
      const { id } = await admin.call('createDraft', { prompt: 'Run me' });
      const answer = await admin.call('approveDraft', { draft_id: id, auto_run: true });
      assert('run' in answer && answer.run !== null);
      const text = await invoke('lookAtRun', { run_id: answer.run.id });
      assert.match(text, new RegExp(`^The run ${answer.run.id} is \\w+\\.`));
      assert.match(await invoke('lookAtRun'), new RegExp(`^${answer.run.id}  `, 'm'));
    });

    it('say what is wrong', async () => {
      await assert.rejects(invoke('proposeDraft', {}), /A draft needs a prompt/);
      await assert.rejects(invoke('lookAtRun', { run_id: 'r_1' }));
      const off = lmTool('listDrafts', () => null);
      await assert.rejects(
        async () => off.invoke({ input: {}, toolInvocationToken: undefined }, none),
        /does not run in this window/,
      );
    });

    it('are called by way of the editor', async () => {
      // The host under test takes every question of the editor for answered with yes.
      const { content } = await vscode.lm.invokeTool(lmToolIds.proposeDraft, {
        ...{ input: { prompt: 'By way of the editor' }, toolInvocationToken: undefined },
      });
      assert.match(JSON.stringify(content), /waits for a person/);
      const [newest] = await admin.call('listDrafts', { limit: 1 });
      assert.equal(newest?.prompt, 'By way of the editor');
      assert.equal(newest?.status, 'draft');
    });
  });

  describe("the server for the editor's MCP clients", () => {
    const given = Reflect.get(vscode.lm, 'registerMcpServerDefinitionProvider');
    const parts = {
      host: served,
      onHostChange: new vscode.EventEmitter<void>().event,
      version: '1',
    };
    afterEach(() => {
      Object.assign(vscode.lm, { registerMcpServerDefinitionProvider: given });
    });

    it('is offered with its address, and with a token only when it is connected to', async () => {
      let provider: unknown;
      Object.assign(vscode.lm, {
        registerMcpServerDefinitionProvider(_id: string, one: unknown) {
          provider = one;
          return new vscode.Disposable(() => undefined);
        },
      });
      registerMcpServer(parts);
      const [definition] = Object(provider).provideMcpServerDefinitions();
      assert.equal(String(definition.uri), `${address.url}/mcp`);
      assert.deepEqual(definition.headers, {});
      const resolved = await Object(provider).resolveMcpServerDefinition(definition);
      assert.deepEqual(resolved.headers, { Authorization: `Bearer ${agentToken}` });
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'e', version: '1' },
      };
      const reply = await fetch(String(resolved.uri), {
        method: 'POST',
        headers: {
          ...resolved.headers,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      });
      assert.equal(reply.status, 200);
      assert.equal(Object(await reply.json()).result.serverInfo.name, 'gimo');
    });

    it('is not offered while no server runs, nor where the editor does not know of such things', () => {
      let provider: unknown;
      Object.assign(vscode.lm, {
        registerMcpServerDefinitionProvider(_id: string, one: unknown) {
          provider = one;
          return new vscode.Disposable(() => undefined);
        },
      });
      registerMcpServer({ ...parts, host: () => null });
      assert.deepEqual(Object(provider).provideMcpServerDefinitions(), []);
      Object.assign(vscode.lm, { registerMcpServerDefinitionProvider: undefined });
      registerMcpServer(parts).dispose();
    });
  });

  it('an editor that has such things only by name is left alone, and the log says so', () => {
    const noted: unknown[] = [];
    const { registerTool } = vscode.lm;
    const given = Reflect.get(vscode.lm, 'registerMcpServerDefinitionProvider');
    const refuses = () => {
      throw new Error('not here');
    };
    try {
      Object.assign(vscode.lm, {
        ...{ registerTool: refuses, registerMcpServerDefinitionProvider: refuses },
      });
      registerForAgents({
        ...{ host: served, onHostChange: new vscode.EventEmitter<void>().event, version: '1' },
        note: (error) => noted.push(error),
      }).dispose();
      Object.assign(vscode.lm, { registerTool: undefined });
      registerForAgents({
        ...{ host: served, onHostChange: new vscode.EventEmitter<void>().event, version: '1' },
        note: (error) => noted.push(error),
      }).dispose();
    } finally {
      Object.assign(vscode.lm, { registerTool, registerMcpServerDefinitionProvider: given });
    }
    assert.equal(noted.length, 3);
  });

  describe('Copy MCP Configuration', () => {
    /** A person who picks these, one after the other. */
    const picks = (...labels: string[]) =>
      Object.assign(vscode.window, {
        async showQuickPick(items: vscode.QuickPickItem[]) {
          const label = labels.shift();
          return items.find((item) => item.label === label);
        },
      });
    const copied = async () => Object(JSON.parse(await vscode.env.clipboard.readText()));
    const run = () => vscode.commands.executeCommand('gimo.copyMCPConfiguration');
    const told = () => person.told.map(({ message }) => message).join('\n');

    it('offers the role that only proposes first', async () => {
      const offered: string[][] = [];
      Object.assign(vscode.window, {
        async showQuickPick(items: vscode.QuickPickItem[]) {
          offered.push(items.map(({ label }) => label));
          return items[0];
        },
      });
      await run();
      assert.deepEqual(offered, [
        ['Claude Code', 'Claude Desktop', 'Cursor', 'VS Code'],
        ['agent', 'actions', 'operator', 'admin'],
      ]);
    });

    it('lets VS Code ask for the token, which can be copied then', async () => {
      picks('VS Code', 'agent');
      person.answers = 'Copy Token';
      await run();
      assert.equal(await vscode.env.clipboard.readText(), agentToken);
      assert.match(told(), /VS Code asks for the token once/);
    });

    it('names the address, and leaves the token out where the client can get it elsewhere', async () => {
      for (const label of ['VS Code', 'Cursor', 'Claude Code']) {
        picks(label, 'agent');
        await run();
        const text = await vscode.env.clipboard.readText();
        assert(text.includes(`${address.url}/mcp`), text);
        assert(!text.includes(agentToken), text);
      }
      assert.match(told(), new RegExp(tokenVariable));
    });

    it('warns that the configuration of Claude Desktop holds the token', async () => {
      picks('Claude Desktop', 'actions');
      await run();
      const { mcpServers } = await copied();
      assert.match(mcpServers.gimo.env[tokenVariable], /^Bearer \S{16,}$/);
      assert.match(told(), /holds the actions token: keep it as you keep a password/);
    });

    it('copies nothing when the person changes their mind', async () => {
      await vscode.env.clipboard.writeText('mine');
      picks('Cursor');
      await run();
      assert.equal(await vscode.env.clipboard.readText(), 'mine');
    });
  });
});
