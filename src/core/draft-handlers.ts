import { validationError } from '../contract/errors.ts';
import type { Draft } from '../contract/operations.ts';
import type { DraftRecord } from '../contract/records.ts';
import { type Clock, timestamp } from './clock.ts';
import { checkSteps } from './draft-checks.ts';
import { type Drafts, draftLock } from './drafts.ts';
import type { Fill } from './fill.ts';
import type { Handlers } from './handlers.ts';
import { cutPrompt, listPage } from './lists.ts';
import type { Store } from './ports.ts';
import type { Settings } from './settings.ts';

export interface DraftHandlerPorts {
  store: Pick<Store, 'drafts'>;
  drafts: Drafts;
  settings: Pick<Settings, 'config'>;
  fill: Pick<Fill, 'proposal'>;
  clock: Clock;
}

/** What callers do with drafts, but for approving them. */
export function draftHandlers(
  ports: DraftHandlerPorts,
): Pick<Handlers, 'listDrafts' | 'getDraft' | 'createDraft' | 'editDraft' | 'rejectDraft'> {
  const { store, drafts } = ports;
  return {
    listDrafts: {
      async read(input, call) {
        const tell = await drafts.telling(call);
        const found = await listPage('draft', store.drafts, input, tell, summary);
        // Files are found by what they say; one that says that it waits is not listed there if it does not.
        const wanted = ({ status }: Pick<Draft, 'status'>) =>
          input.status?.includes(status) ?? true;
        return { ...found, body: found.body.filter(wanted) };
      },
    },
    getDraft: {
      read: async ({ draft_id }, call) => ({ body: await drafts.told(draft_id, call) }),
    },
    createDraft: createHandler(ports),
    editDraft: editHandler(ports),
    rejectDraft: rejectHandler(ports),
  };
}

function createHandler({ drafts, fill }: DraftHandlerPorts): Handlers['createDraft'] {
  return {
    async prepare(input, call) {
      checkSteps(input.steps ?? null);
      drafts.refuseSecrets(input);
      await drafts.requireTask(input.plan_task_id);
      const steps = input.steps && (await fill.proposal(input.steps, call));
      const draft = drafts.compose({ ...input, steps }, call);
      const tell = await drafts.telling(call);
      const effect = async () => {
        const { changes } = await drafts.save(draft);
        return { body: tell(draft), changes };
      };
      return { target: draft.id, makes: [draft.id], effect };
    },
    recall: drafts.recall,
  };
}

function editHandler({ drafts, fill, clock }: DraftHandlerPorts): Handlers['editDraft'] {
  return {
    lock: draftLock,
    async prepare({ draft_id, ...changes }, call) {
      const draft = await drafts.waiting(draft_id, call);
      checkSteps(changes.steps ?? null);
      drafts.refuseSecrets(changes);
      const steps = changes.steps && (await fill.proposal(changes.steps, call));
      const next: DraftRecord = {
        ...draft,
        prompt: changes.prompt ?? draft.prompt,
        context: changes.context ?? draft.context,
        content: changes.content === undefined ? draft.content : changes.content,
        steps: steps === undefined ? draft.steps : steps,
        updated_at: timestamp(clock),
      };
      return { target: draft_id, effect: () => drafts.save(next) };
    },
  };
}

function rejectHandler(ports: DraftHandlerPorts): Handlers['rejectDraft'] {
  const { drafts, settings, clock } = ports;
  return {
    lock: draftLock,
    async prepare({ draft_id, reason }, call) {
      const draft = await drafts.waiting(draft_id, call);
      const why = reason?.trim() ? reason : null;
      if (why === null && settings.config().require_reason_on_reject)
        throw validationError(
          ['body', 'reason'],
          'This server asks for a reason with every rejection. Say why.',
          'missing',
        );
      drafts.refuseSecrets(why);
      const next: DraftRecord = {
        ...draft,
        digest: drafts.show(draft).digest,
        status: 'rejected',
        reject_reason: why,
        updated_at: timestamp(clock),
      };
      return { target: draft_id, effect: () => drafts.save(next) };
    },
  };
}

const summary = ({ content: _content, context: _context, steps: _steps, ...rest }: Draft) =>
  cutPrompt(rest);
