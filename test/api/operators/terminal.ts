import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../cli/support.ts';
import type { Refusal, Told } from './page.ts';
import { codeIn, createRecorder, idIn } from './shell.ts';

const yes = [{ at: /Type yes/, type: 'yes\n' }];
const steps = `[
  { "id": "fix", "kind": "edit", "changes": [{ "path": "greeting.txt", "text": "Hello, world\\n" }] }
]
`;

/** The main job by a person at a terminal, and by an agent at one, who is refused. */
export async function atTheTerminal(place: Place): Promise<Told> {
  const { lines, say, note } = createRecorder(place);
  await writeFile(join(place.server.root, 'fix.json'), steps);
  await writeFile(join(place.server.root, 'greeting.txt'), 'Hello\n');
  await say('cat fix.json');
  const draft = idIn((await say('gimo draft new "Greet the world" --steps fix.json')).out, 'd');
  const { out } = await say(`gimo approve ${draft} --run`, yes);
  const approved = idIn(out, 'a');
  await say(`gimo logs ${idIn(out, 'r')} -f`);
  await say('cat greeting.txt');

  note('An agent at the same terminal, with its own token.');
  const refusals: Refusal[] = [];
  const refuse = async (tried: string, line: string) => {
    const { code, out } = await say(line);
    refusals.push({ tried, answer: `exit ${code}, \`${codeIn(out)}\`` });
  };
  const as = 'GIMO_TOKEN=$(cat agent.token)';
  const made = await say(`${as} gimo draft new "Something of an agent"`);
  const other = idIn(made.out, 'd');
  await refuse('approve, as `agent`', `${as} gimo approve ${other} --yes --json`);
  await refuse('reject, as `agent`', `${as} gimo reject ${other} --json`);
  await refuse('run what was approved, as `agent`', `${as} gimo run ${approved} --json`);
  await refuse(
    'change a setting, as `agent`',
    `${as} gimo config set default_auto_run=true --json`,
  );
  await refuse(
    'propose a text with a token in it',
    `${as} gimo draft new "Use $(cat agent.token)" --json`,
  );

  note('A person, too, is refused what nobody may.');
  await refuse('approve with a `yes` from a pipe', `echo yes | gimo approve ${other} --json`);
  await refuse(
    'approve what is not what was read',
    `gimo approve ${other} --yes --digest ${'0'.repeat(12)} --json`,
  );
  await refuse('run a draft', `gimo run ${other} --json`);
  await refuse('run an approval of effects twice', `gimo run ${approved} --json`);
  await refuse('anything, without a server', 'gimo status --root ~ --json');
  return { operator: 'terminal', transcript: lines.join('\n'), refusals };
}
