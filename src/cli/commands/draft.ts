import { type Command, Option } from 'commander';
import { type DraftRecord, Steps } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { parseContext, readJson, readPrompt, readText } from '../input.ts';
import { showDraft } from '../render.ts';
import { tell } from '../tell.ts';
import { diffDraft } from './draft-diff.ts';
import { type EditOptions, editDraft } from './draft-edit.ts';

interface NewOptions {
  content?: string;
  file?: string;
  context?: Record<string, unknown>;
  steps?: string;
  task?: string;
}

/** `gimo draft new`, `show`, `diff` and `edit` */
export function addDraft(program: Command, run: Run): void {
  const draft = program
    .command('draft')
    .description('propose, read or change one draft')
    .addHelpText('after', example('draft new "Raise the timeout to 30 s"'));
  draft
    .command('new')
    .description('propose work; nothing runs until it is approved')
    .argument('[prompt]', 'what is to be done; - reads it from the standard input')
    .addOption(new Option('--content <text>', 'the proposal itself').conflicts('file'))
    .option('--file <file>', 'read the proposal from a file')
    .option(
      '--steps <file>',
      'read its steps, a JSON array, from a file; - from the standard input',
    )
    .option('--context <json>', 'a JSON object to keep with it', parseContext)
    .option('--task <id>', 'the task of the plan that it is for')
    .addHelpText(
      'after',
      example('draft new "Raise the timeout" --file plan.md --context \'{"ticket": 7}\''),
    )
    .action((prompt: string | undefined, options: NewOptions) =>
      run((session) => newDraft(session, prompt, options)),
    );
  draft
    .command('show')
    .description('show a draft whole')
    .argument('<id>', 'id of the draft')
    .addHelpText('after', example('draft show d_1795403040476_dfbc34'))
    .action((id: string) => run((session) => show(session, id)));
  draft
    .command('diff')
    .description('compare what it would write with the workspace as it is now')
    .argument('<id>', 'id of the draft')
    .addHelpText('after', example('draft diff d_1795403040476_dfbc34'))
    .action((id: string) => run((session) => diffDraft(session, id)));
  addEdit(draft, run);
}

function addEdit(draft: Command, run: Run): void {
  draft
    .command('edit')
    .description('change a draft; without options in $VISUAL or $EDITOR')
    .argument('<id>', 'id of the draft')
    .option('--prompt <text>', 'the new prompt')
    .addOption(new Option('--content <text>', 'the new content').conflicts('contentFile'))
    .option('--content-file <file>', 'read the new content from a file')
    .addHelpText('after', example('draft edit d_1795403040476_dfbc34 --content-file plan.md'))
    .action((id: string, options: EditOptions) =>
      run((session) => editDraft(session, id, options)),
    );
}

async function newDraft(session: Session, given: string | undefined, options: NewOptions) {
  const { cwd, stdin } = session.deps;
  if (given === '-' && options.steps === '-')
    throw new CliError('usage', 'The standard input is either the prompt or the steps, not both.');
  const content = options.file === undefined ? options.content : await readText(cwd, options.file);
  const steps =
    options.steps === undefined
      ? undefined
      : await readJson(session.deps, options.steps, Steps, 'the steps of a draft');
  const prompt = await readPrompt(given, stdin);
  const { client } = await session.connect();
  const draft = await client.call('createDraft', {
    prompt,
    ...(content === undefined ? {} : { content }),
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(steps === undefined ? {} : { steps }),
    ...(options.task === undefined ? {} : { plan_task_id: options.task }),
  });
  return tellNew(session, draft);
}

/** Tells about a draft that was just made, and what comes next. */
export function tellNew(session: Session, draft: DraftRecord): number {
  return tell(session, draft, ({ id }) =>
    session.out.line(`Draft ${id} waits for a yes. Review it with: gimo approve ${id}`),
  );
}

async function show(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  const draft = await client.call('getDraft', { draft_id: id });
  return tell(session, draft, (found) => showDraft(session.out, found));
}
