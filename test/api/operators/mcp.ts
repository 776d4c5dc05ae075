import type { Client } from '@modelcontextprotocol/client';
import type { TestServer } from '../harness.ts';
import { textOf } from '../mcp/support.ts';
import { whenEnded } from '../runs/support.ts';
import type { Refusal, Told } from './page.ts';
import { idIn } from './shell.ts';

/** The main job by the official MCP client with the token of an agent. */
export async function overMcp(server: TestServer, agent: Client): Promise<Told> {
  const lines: string[] = [];
  const { client } = server.host;
  const say = async (name: string, args: Record<string, unknown>) => {
    lines.push(`> tools/call ${name} ${JSON.stringify(args)}`);
    const result = await agent.callTool({ name, arguments: args });
    const text = textOf(result);
    lines.push(`< ${result.isError === true ? 'isError ' : ''}${text}`, '');
    return text;
  };
  const { tools } = await agent.listTools();
  lines.push('> tools/list', `< ${tools.map(({ name }) => name).join(', ')}`, '');
  const id = idIn(
    await say('create_draft', {
      prompt: 'Say good night, too',
      steps: [
        {
          id: 'add',
          kind: 'edit',
          changes: [{ path: 'night.txt', base_sha256: null, text: 'Good night\n' }],
        },
      ],
      idempotency_key: 'night-1',
    }),
    'd',
  );
  lines.push('# A person approves exactly that, and runs it.', '');
  const { digest } = await client.call('getDraft', { draft_id: id });
  const answer = await client.call('approveDraft', {
    ...{ draft_id: id, auto_run: true, ...(digest === null ? {} : { digest }) },
  });
  if ('pending' in answer || answer.run === null) throw new Error('It does not run.');
  await whenEnded(server, answer.run.id);
  await say('get_draft', { draft_id: id });
  await say('get_run_log', { run_id: answer.run.id });

  lines.push('# What it is refused.');
  const refusals: Refusal[] = [];
  const refuse = async (tried: string, name: string, args: Record<string, unknown>) => {
    try {
      const [, code] = /^code: (\w+)$/m.exec(await say(name, args)) ?? [];
      if (code === undefined) throw new Error(`${name} was not refused`);
      refusals.push({ tried, answer: `\`isError\`, \`${code}\`` });
    } catch (error) {
      // What is no tool at all is an error of the protocol.
      if (!(error instanceof Error) || !('code' in error)) throw error;
      lines.push(`< error ${String(error.code)}: ${error.message}`, '');
      refusals.push({ tried, answer: `JSON-RPC ${String(error.code)}: ${error.message}` });
    }
  };
  const { id: waits } = await client.call('createDraft', { prompt: 'Something that waits' });
  await refuse('approve', 'approve_draft', { draft_id: waits });
  await refuse('reject', 'reject_draft', { draft_id: waits });
  await refuse('run what was approved', 'create_run', { approved_id: answer.approved.id });
  await refuse('change a setting', 'set_config', { default_auto_run: true });
  await refuse('read a file that it was not let read', 'read_file', { path: '.env' });
  const prompt = `Use ${server.host.token('agent')}`;
  await refuse('propose a text with a token in it', 'create_draft', { prompt });
  const transcript = lines.join('\n').replaceAll(server.host.token('agent'), '(its own token)');
  return { operator: 'MCP', transcript, refusals };
}
