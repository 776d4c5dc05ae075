import { approveHandler } from './approve.ts';
import type { CoreParts } from './core-parts.ts';
import { draftHandlers } from './draft-handlers.ts';
import { generateHandler } from './generate.ts';
import type { Handlers } from './handlers.ts';
import { openApiHandler } from './openapi.ts';
import { planHandlers } from './plan.ts';
import { checkProviderHandler } from './provider-check.ts';
import { redraftHandler } from './redraft.ts';
import { reviewHandler } from './review.ts';
import { securityHandlers } from './security.ts';
import { settingsHandlers } from './settings-handlers.ts';
import { statusHandler } from './status.ts';

/**
 * The handler of every operation.
 * @param setAsPerson sets the configuration on behalf of the person
 */
export function handlersOf(
  parts: CoreParts,
  setAsPerson: Parameters<typeof settingsHandlers>[0]['setAsPerson'],
): Handlers {
  const { store, settings, facts, repository, drafts, artifacts, runs, changes, book } = parts;
  const { refuseSecrets } = drafts;
  return {
    ...repository.handlers,
    getStatus: statusHandler(parts),
    getOpenApi: openApiHandler(facts.version, parts.publicUrl ?? (() => ''), settings),
    ...draftHandlers(parts),
    ...artifacts.handlers,
    ...runs.handlers,
    approveDraft: approveHandler(parts),
    ...parts.auditLog.handlers,
    ...securityHandlers({
      ...parts,
      allowlistCount: async () => (await repository.allowed()).length,
    }),
    ...planHandlers(store, refuseSecrets, parts.decisions, book.glance),
    ...settingsHandlers({ ...parts, refuseSecrets, setAsPerson }),
    ...changes.handlers,
    redraft: redraftHandler(parts),
    reviewDraft: reviewHandler({ ...parts, judge: repository.judge }),
    checkProvider: checkProviderHandler(parts),
    generateDraft: generateHandler(parts),
  };
}
