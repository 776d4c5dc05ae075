import { type Command, Option } from 'commander';
import type { DraftRecord } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { parseContext, readPrompt, readText } from '../input.ts';
import { showDraft } from '../render.ts';
import { type EditOptions, editDraft } from './draft-edit.ts';

interface NewOptions {
  content?: string;
  file?: string;
  context?: Record<string, unknown>;
}

/** `gimo draft new`, `show` and `edit` */
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
    .option('--context <json>', 'a JSON object to keep with it', parseContext)
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
  const content = options.file === undefined ? options.content : await readText(cwd, options.file);
  const prompt = await readPrompt(given, stdin);
  const { client } = await session.connect();
  const draft = await client.call('createDraft', {
    prompt,
    ...(content === undefined ? {} : { content }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  tellNew(session, draft);
  return exitCodes.ok;
}

/** Tells about a draft that was just made, and what comes next. */
export function tellNew(session: Session, draft: DraftRecord): void {
  if (session.json) session.out.json(draft);
  else {
    session.out.line(`Draft ${draft.id} waits for a yes. Review it with: gimo approve ${draft.id}`);
  }
}

async function show(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  const draft = await client.call('getDraft', { draft_id: id });
  if (session.json) session.out.json(draft);
  else showDraft(session.out, draft);
  return exitCodes.ok;
}
