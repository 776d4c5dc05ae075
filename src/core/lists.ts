import { validationError } from '../contract/errors.ts';
import { idPattern, type RecordKind } from '../contract/records.ts';
import { canonical } from './digest.ts';
import type { Result } from './handlers.ts';
import { sha256 } from './hash.ts';
import type { ListPage, Records } from './ports.ts';
import { createSlicer } from './slicer.ts';

interface ListInput {
  limit: number;
  cursor?: string | undefined;
  view: 'full' | 'summary';
  status?: readonly string[] | undefined;
}

type Page = NonNullable<Result<unknown>['page']>;

/** How much of a prompt a summary shows, in characters. */
const shownPrompt = 200;

/**
 * One page of a list, newest first. The cursor is opaque to callers: the last id of the page before, and a mark of it
 * and of the filters that it goes with. Soon after a start the total may be null; a change is told once it is known.
 *
 * @param kind whose ids the cursor may name
 * @param show makes of a stored record what callers see
 * @param summarize makes of that its summary, for `view=summary`
 * @throws GimoError `validation_error` for a cursor that is not of this list
 */
export async function listPage<T, S, Short>(
  kind: RecordKind,
  records: Pick<Records<T>, 'list' | 'counts'>,
  input: ListInput,
  show: (record: T) => S | Promise<S>,
  summarize: (record: S) => Short,
): Promise<Pick<Result<(S | Short)[]>, 'body' | 'later'> & { page: Page }> {
  const statuses = input.status === undefined ? null : [...new Set(input.status)].sort();
  const mark = (id: string) => sha256(canonical([statuses, input.view, id])).slice(0, 8);
  const before = input.cursor === undefined ? undefined : readCursor(kind, input.cursor, mark);
  const found: ListPage<T> = await records.list({
    limit: input.limit,
    ...(before === undefined ? {} : { before }),
    ...(input.status === undefined ? {} : { status: input.status }),
  });
  const shown: S[] = [];
  const slice = createSlicer();
  for (const record of found.records) {
    shown.push(await show(record));
    await slice();
  }
  return {
    body: input.view === 'full' ? shown : shown.map(summarize),
    page: {
      total: found.total,
      next:
        found.next === null
          ? null
          : Buffer.from(`${mark(found.next)}.${found.next}`).toString('base64url'),
    },
    ...(found.total === null ? { later: { type: kind, when: records.counts() } } : {}),
  };
}

function readCursor(kind: RecordKind, cursor: string, markOf: (id: string) => string) {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [mark, id] = text.split('.');
  if (id !== undefined && idPattern[kind].test(id) && mark === markOf(id)) return id;
  throw validationError(
    ['query', 'cursor'],
    'The cursor does not belong to this list. Start again without one, with the same filters.',
    'cursor_invalid',
  );
}

/** Every record in one of these states, newest first, read a page at a time. */
export async function* every<T>(
  records: Pick<Records<T>, 'list' | 'counts'>,
  status: readonly string[],
): AsyncGenerator<T> {
  let before: string | undefined;
  do {
    const from = before === undefined ? {} : { before };
    const page: ListPage<T> = await records.list({ limit: 1000, status, ...from });
    yield* page.records;
    before = page.next ?? undefined;
  } while (before !== undefined);
}

/** Cuts a long prompt, and says so. */
export function cutPrompt<T extends { prompt: string }>(record: T) {
  if (record.prompt.length <= shownPrompt) return record;
  const cut = record.prompt.slice(0, shownPrompt);
  // No half of a surrogate pair at the end.
  const prompt = cut.isWellFormed() ? cut : cut.slice(0, -1);
  return { ...record, prompt, prompt_truncated: true };
}
