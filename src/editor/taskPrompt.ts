import type { Plan } from '../contract/records.ts';

/** What a draft of a task asks for: its title, scope and description, and what the plan demands of every task. */
export function taskPrompt(
  task: Pick<Plan['tasks'][number], 'id' | 'title' | 'scope' | 'description'>,
  constraints: readonly string[],
): string {
  const [title, scope, description] = [task.title, task.scope, task.description].map((text) =>
    text.trim(),
  );
  const kept = constraints.map((text) => text.trim()).filter((text) => text !== '');
  return [
    title || task.id,
    scope ? `Scope: ${scope}` : '',
    description === title ? '' : description,
    kept.length === 0 ? '' : ['Constraints:', ...kept.map((text) => `- ${text}`)].join('\n'),
  ]
    .filter((text) => text)
    .join('\n\n');
}
