import type { FromPanel, Looked } from '../../src/contract/panel.ts';
import type { Subject as Decided } from '../hash.ts';
import { shownDigest } from '../hash.ts';
import type { ApprovedMessage, DraftMessage, State } from '../state.ts';
import { banner, h, small } from './dom.ts';
import { code, hash, header, instant, madeBy, titleOf } from './header.ts';
import { contentPart, contextPart, type Page, promptPart, providerPart } from './parts.ts';
import type { FoldedPart } from './raw.ts';
import { stepsPart } from './steps.ts';
import { messageOf, type Told, warningList } from './warnings.ts';

export interface Drawn {
  elements: HTMLElement[];
  /** Hash of what stands in the page, read back from there. */
  digest(): string;
  folded: readonly FoldedPart[];
}

const badges = {
  draft: ['waiting', 'Waits for you'],
  approved: ['good', 'Approved'],
  rejected: ['over', 'Rejected'],
  error: ['bad', 'Failed'],
} as const;

/** Everything that a person decides about. */
export function drawDraft(
  { draft, looked, locked }: DraftMessage,
  changed: State['changed'],
  page: Page,
  post: (message: FromPanel) => void,
): Drawn {
  const [state, word] = badges[draft.status];
  const body = drawParts(draft, draft.provider_resolved, looked, changed, page);
  const head = header({
    what: 'Draft',
    ...{ title: titleOf(draft.prompt), state, word },
    facts: [
      ['Made by', madeBy(draft.created_by, draft.source)],
      ['Made', instant(draft.created_at)],
      draft.updated_at === null || draft.updated_at === draft.created_at
        ? null
        : [draft.status === 'draft' ? 'Edited' : 'Decided', instant(draft.updated_at)],
      ['Id', code(draft.id)],
      ['Digest', hash(draft.digest)],
    ],
  });
  const outcome = outcomeOf(draft, locked, post);
  // Whom a decided draft would have asked, its artifact tells.
  const parts = draft.status === 'draft' ? [...body.parts, body.provider] : body.parts;
  return { ...body, elements: [head, ...outcome, ...body.warnings, ...parts] };
}

function outcomeOf(
  draft: DraftMessage['draft'],
  locked: boolean,
  post: (message: FromPanel) => void,
) {
  const { id, status, reject_reason: reason, error, approved_id: approved } = draft;
  if (status === 'rejected')
    return [
      banner(
        'info',
        'note',
        h('p', {}, reason === null ? 'Rejected without a reason.' : 'Rejected:'),
        reason === null ? null : h('p', { class: 'said' }, reason),
      ),
    ];
  if (status === 'error')
    return [
      banner(
        'error',
        'note',
        h('p', {}, 'No proposal came, so there is nothing to approve.'),
        error === null ? null : h('p', { class: 'said' }, error),
        locked
          ? null
          : small('Generate Again…', () => post({ type: 'generate_again', draft_id: id })),
      ),
    ];
  if (status !== 'approved' || approved === null) return [];
  const open = small('Open Approved Artifact', () =>
    post({ type: 'open', subject: { kind: 'approved', id: approved } }),
  );
  return [banner('info', 'note', h('p', {}, 'Approved as ', code(approved), '.'), open)];
}

/** An artifact: what was approved, by whom, and whether it may run. */
export function drawApproved(
  { approved, looked }: ApprovedMessage,
  page: Page,
  post: (message: FromPanel) => void,
): Drawn {
  const body = drawParts(approved, approved.provider_resolved, looked, null, page);
  const open = (kind: 'draft' | 'run', id: string) =>
    small(id, () => post({ type: 'open', subject: { kind, id } }), { class: 'small code' });
  const { runnable, consumed_by: run, draft_id, expires_at } = approved;
  const head = header({
    what: 'Approved artifact',
    title: titleOf(approved.prompt),
    ...{ state: runnable ? 'good' : 'over', word: runnable ? 'Can run' : 'Cannot run' },
    facts: [
      ['Approved by', code(approved.approved_by)],
      ['Approved', instant(approved.approved_at)],
      expires_at === null ? null : [holds(approved), instant(expires_at)],
      ['Seal', sealText(approved)],
      ['Draft', open('draft', draft_id)],
      run === null ? null : ['Used by', open('run', run)],
      ['Id', code(approved.id)],
      ['Digest', hash(approved.digest)],
    ],
  });
  const why = runnable
    ? []
    : [
        banner(
          'warning',
          'note',
          h('p', {}, approved.blocked_reason ?? 'The server does not say why it cannot run.'),
        ),
      ];
  return { ...body, elements: [head, ...why, ...body.warnings, ...body.parts, body.provider] };
}

const holds = ({ runnable, expires_at }: ApprovedMessage['approved']): string =>
  !runnable && Date.parse(expires_at ?? '') <= Date.now() ? 'Expired' : 'Holds until';

function sealText({ seal, runnable }: ApprovedMessage['approved']): string {
  if (seal === null) return 'none';
  return runnable ? 'holds' : 'see below';
}

type Provider = DraftMessage['draft']['provider_resolved'];

function drawParts(
  subject: Decided,
  provider: Provider,
  looked: Looked | null,
  changed: State['changed'],
  page: Page,
): {
  parts: HTMLElement[];
  provider: HTMLElement;
  warnings: HTMLElement[];
  folded: readonly FoldedPart[];
  digest(): string;
} {
  const is = (part: NonNullable<State['changed']>[number]) => changed?.includes(part) === true;
  const prompt = promptPart(subject.prompt, is('prompt'), page);
  const content = contentPart(subject.content, subject.steps !== null, is('content'), page);
  const context = contextPart(subject.context, is('context'), page);
  const steps = stepsPart(subject.steps, looked, is('steps'), page);
  const all = [prompt, content, ...(context === null ? [] : [context]), steps];
  // Of a draft that failed, what never came is not told as if it were to be approved.
  const failed = 'status' in subject && subject.status === 'error';
  const came = (part: object) =>
    !(part === content && !subject.content) && !(part === steps && subject.steps === null);
  const told = failed ? all.filter(came) : all;
  return {
    parts: told.map(({ element }) => element),
    provider: providerPart(subject.steps, provider, is('provider')),
    warnings: warningList(
      [...aboutAll(looked), ...all.flatMap(({ warnings }) => warnings)],
      looked?.failed ?? null,
    ),
    folded: all.flatMap(({ folded }) => folded),
    digest: () =>
      shownDigest(
        {
          prompt: prompt.read(),
          content: content.read(),
          context: contextOf(context?.read()),
          steps: steps.read(),
        },
        provider,
      ),
  };
}

function contextOf(read: unknown): Decided['context'] {
  return typeof read === 'object' && read !== null ? { ...read } : {};
}

/** What the server says of the draft itself. */
const aboutAll = (looked: Looked | null): Told[] =>
  (looked?.warnings ?? [])
    .filter(({ step }) => step === null)
    .map((one) => ({ where: 'Draft', anchor: 'part-prompt', message: messageOf(one) }));
