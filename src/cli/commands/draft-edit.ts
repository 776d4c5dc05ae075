import type { Client } from '../../client/client.ts';
import { GimoError } from '../../contract/errors.ts';
import type { DraftRecord } from '../../contract/records.ts';
import type { Session } from '../deps.ts';
import { editInEditor } from '../editor.ts';
import { CliError, exitCodes } from '../failures.ts';
import { readText } from '../input.ts';

export interface EditOptions {
  prompt?: string;
  content?: string;
  contentFile?: string;
}
interface Change {
  prompt?: string;
  content?: string;
}

/**
 * Changes a draft as it was read: the entity tag goes along, so that a change of somebody else is never written over.
 * With no option it opens an editor; whatever then fails, the edited text is kept.
 */
export async function editDraft(
  session: Session,
  id: string,
  options: EditOptions,
): Promise<number> {
  const content =
    options.contentFile === undefined
      ? options.content
      : await readText(session.deps.cwd, options.contentFile);
  const change: Change = {
    ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
    ...(content === undefined ? {} : { content }),
  };
  const { client } = await session.connect();
  const { body: draft, etag } = await client.answer('getDraft', { draft_id: id });
  if (etag === undefined)
    throw new CliError(
      'refused',
      `The server did not say which version of ${id} this is; nothing was changed.`,
    );
  if (Object.keys(change).length > 0) tellEdited(session, await send(client, draft, etag, change));
  else await editByHand(session, client, draft, etag);
  return exitCodes.ok;
}

async function editByHand(session: Session, client: Client, draft: DraftRecord, etag: string) {
  if (draft.status !== 'draft')
    throw new CliError('refused', `${draft.id} is ${draft.status} and can no longer be changed.`);
  const before = { prompt: draft.prompt, content: draft.content ?? '' };
  const edited = await editInEditor(session.deps.env, before);
  try {
    const change: Change = {
      ...(edited.prompt === before.prompt ? {} : { prompt: edited.prompt }),
      ...(edited.content === before.content ? {} : { content: edited.content }),
    };
    if (Object.keys(change).length > 0)
      tellEdited(session, await send(client, draft, etag, change));
    else if (session.json) session.out.json(draft);
    else session.out.line('Nothing was changed.');
  } catch (error) {
    session.err.line(`Your text is kept in ${edited.file}`);
    throw error;
  }
  await edited.discard();
}

async function send(client: Client, draft: DraftRecord, etag: string, change: Change) {
  try {
    return await client.call('editDraft', { draft_id: draft.id, ...change }, { ifMatch: etag });
  } catch (error) {
    if (!GimoError.is(error, 'stale')) throw error;
    throw new GimoError(
      'stale',
      `${draft.id} was changed by somebody else meanwhile; your change was not made. Look at it with: gimo draft show ${draft.id}`,
      { cause: error },
    );
  }
}

function tellEdited(session: Session, draft: DraftRecord): void {
  if (session.json) session.out.json(draft);
  else session.out.line(`${draft.id} was changed. Its digest is ${draft.digest ?? 'not known'}.`);
}
