import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../cli/support.ts';
import { whenEnded } from '../runs/support.ts';
import type { Refusal, Told } from './page.ts';
import { codeIn, createRecorder, idIn } from './shell.ts';

const body = `{
  "prompt": "Say goodbye, too",
  "steps": [{ "id": "add", "kind": "edit",
    "changes": [{ "path": "goodbye.txt", "base_sha256": null, "text": "Goodbye\\n" }] }],
  "idempotency_key": "goodbye-1"
}
`;
const at = 'https://gimo.example.com/actions';
const curl = "curl -s -w '\\n%{http_code}\\n'";

/** The main job by a client of ChatGPT Actions with the token of an agent, through a tunnel. */
export async function overActions(place: Place): Promise<Told> {
  const { lines, say, note } = createRecorder(place);
  const { client } = place.server.host;
  await writeFile(join(place.server.root, 'draft.json'), body);
  await say('cat draft.json');
  const { out } = await say(`${curl} -H @auth --json @draft.json ${at}/ops/drafts`);
  const draft = idIn(out, 'd');
  await say(`${curl} -H @auth ${at}/ops/drafts/${draft}`);

  note('A person reads it in the editor or at the terminal, approves exactly that, and runs it.');
  lines.push('');
  const { digest } = await client.call('getDraft', { draft_id: draft });
  const answer = await client.call('approveDraft', {
    ...{ draft_id: draft, auto_run: true, ...(digest === null ? {} : { digest }) },
  });
  if ('pending' in answer || answer.run === null) throw new Error('It does not run.');
  await whenEnded(place.server, answer.run.id);
  await say(`${curl} -H @auth '${at}/ops/runs?limit=1&view=summary'`);
  await say(`${curl} -H @auth ${at}/ops/runs/${answer.run.id}/log`);

  note('What it is refused.');
  const refusals: Refusal[] = [];
  const refuse = async (tried: string, line: string) => {
    const { out } = await say(`${curl} ${line}`);
    const [, status] = /(\d{3})\n$/.exec(out) ?? [];
    refusals.push({ tried, answer: `${status} \`${codeIn(out)}\`` });
  };
  const { id } = await client.call('createDraft', { prompt: 'Something that waits' });
  await refuse('approve', `-H @auth --json '{}' ${at}/ops/drafts/${id}/approve`);
  await refuse('reject', `-H @auth --json '{}' ${at}/ops/drafts/${id}/reject`);
  const run = `'{"approved_id": "${answer.approved.id}"}'`;
  await refuse('run what was approved', `-H @auth --json ${run} ${at}/ops/runs`);
  await refuse('change a setting', `-H @auth -X PUT --json '{}' ${at}/ops/config`);
  await refuse('read a file that it was not let read', `-H @auth '${at}/file?path=.env'`);
  const secret = '"{\\"prompt\\": \\"Use $(cat agent.token)\\"}"';
  await refuse('propose a text with a token in it', `-H @auth --json ${secret} ${at}/ops/drafts`);
  await refuse('call without a token', `${at}/status`);
  await refuse(
    'call from a page of a browser',
    `-H @auth -H 'Origin: https://evil.example' ${at}/status`,
  );
  await refuse('call under another name', `-H @auth -H 'Host: evil.example' ${at}/status`);
  return { operator: 'Actions', transcript: lines.join('\n'), refusals };
}
