import type { DraftRecord } from '../../contract/records.ts';
import type { Session } from '../deps.ts';
import { diffLines, showDiff } from '../diff.ts';
import { type FileChange, fileChanges, showFileChanges } from '../file-changes.ts';
import { tell } from '../tell.ts';

/** What a draft would change: the files of the workspace, and its content where it has one. */
interface Changes {
  id: string;
  digest: string | null;
  files: FileChange[];
  /** The lines of a unified diff of the content against nothing. */
  content: string[];
}

/**
 * Shows what a draft would change. One with edit steps is compared with the workspace as it is now; the content of any
 * other is all new.
 */
export async function diffDraft(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  const draft = await client.call('getDraft', { draft_id: id });
  const files = await fileChanges(session.root, draft.steps);
  const { digest } = draft;
  const changes = { id: draft.id, digest, files, content: contentDiff(draft) };
  return tell(session, changes, (found) => show(session, found));
}

function contentDiff({ content }: DraftRecord): string[] {
  return diffLines({
    before: { name: 'nothing', text: null },
    after: { name: 'content', text: content === '' ? null : content },
  });
}

function show({ out, err }: Session, { id, files, content }: Changes): void {
  showFileChanges(out, files);
  showDiff(out, content);
  if (files.length + content.length === 0)
    err.line(`${id} changes no file and has no content. Read it with: gimo draft show ${id}`);
}
