import type { DraftRecord, ResolvedProvider, Step } from './records.ts';

/**
 * What an approval's digest is made over (DESIGN, section 4): SHA-256 of the RFC 8785 form of this. Core computes it
 * from the record, the review panel from what it rendered; both must come to the same.
 *
 * @param provider the provider that would be asked; it counts only if a step asks a model
 */
export function digestSubject(
  subject: Pick<DraftRecord, 'prompt' | 'content' | 'context' | 'steps'>,
  provider: ResolvedProvider | null,
) {
  const { prompt, content, context, steps } = subject;
  return {
    ...{ prompt, content: content ?? '', context, steps },
    provider: asksModel(steps) ? pick(provider) : null,
  };
}

/** Whether any step asks a model; a draft without steps is one prompt step. */
export function asksModel(steps: DraftRecord['steps']): boolean {
  return steps === null || steps.some((step) => step.kind === 'prompt');
}

/** Whether any step changes something; such an approval is spent on one run (DESIGN, section 4). */
export function hasEffects(steps: readonly Pick<Step, 'kind'>[] | null): boolean {
  return steps?.some(({ kind }) => kind === 'edit' || kind === 'command') ?? false;
}

const pick = (provider: ResolvedProvider | null) =>
  provider === null
    ? null
    : {
        name: provider.name,
        type: provider.type,
        origin: provider.origin,
        model: provider.model,
      };
