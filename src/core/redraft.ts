import type { Artifacts } from './artifacts.ts';
import { checkSteps } from './draft-checks.ts';
import type { Drafts } from './drafts.ts';
import type { Handlers } from './handlers.ts';
import { requireId } from './ids.ts';
import type { Store } from './ports.ts';

/**
 * "Approve Again": a new draft of what an artifact holds. The artifact may be anything, also one without a seal or one
 * that somebody has changed: nothing of it counts until a person has approved the draft.
 */
export function redraftHandler(ports: {
  store: Pick<Store, 'drafts'>;
  artifacts: Artifacts;
  drafts: Drafts;
}): Handlers['redraft'] {
  const { store, artifacts, drafts } = ports;
  return {
    async prepare({ approved_id }, call) {
      requireId('approved', approved_id);
      const { draft_id, prompt, content, context, steps } = await artifacts.read(approved_id);
      const proposal = { prompt, content, context, steps };
      checkSteps(steps);
      drafts.refuseSecrets(proposal);
      const before = await store.drafts.get(draft_id);
      const draft = drafts.compose(
        { ...proposal, plan_task_id: before?.plan_task_id ?? null },
        call,
      );
      return { target: approved_id, makes: [draft.id], effect: () => drafts.save(draft) };
    },
    recall: drafts.recall,
  };
}
