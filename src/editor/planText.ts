import { jsonIssues } from '../contract/json.ts';
import { Plan } from '../contract/records.ts';
import { visible } from './text.ts';
import { inOrder } from './trees/planOrder.ts';

/*
 * Makes a plan of text that a person wrote. It is loaded with the first such text, since it brings the contract's
 * schemas, which are too heavy to be there before.
 */

/** The most that a plan may hold, in bytes of UTF-8: as much as the server takes in one request. */
export const mostBytes = 2 ** 20;

export type PlanText = { plan: Plan } | { problem: string };

type Way = readonly PropertyKey[];

/** Reads a plan, or tells what is wrong with its text and where. */
export function planIn(text: string): PlanText {
  const bytes = Buffer.byteLength(text);
  if (text.trim() === '') return { problem: 'The editor is empty.' };
  if (bytes > mostBytes)
    return {
      problem: `The text has ${bytes.toLocaleString('en')} bytes; a plan may have ${mostBytes.toLocaleString('en')}.`,
    };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: notJson(text, error) };
  }
  const refused = jsonIssues(value).map(({ loc, msg }) => ({ path: loc, message: msg }));
  if (refused.length > 0) return { problem: told(refused) };
  const found = Plan.safeParse(value);
  if (!found.success) return { problem: told(found.error.issues) };
  const problem = tasksProblem(found.data);
  return problem === null ? { plan: found.data } : { problem };
}

/** What the server would refuse as well, but with the place where it stands. */
function tasksProblem({ tasks }: Plan): string | null {
  const first = new Map<string, number>();
  for (const [index, { id }] of tasks.entries()) {
    const before = first.get(id);
    if (before !== undefined)
      return `${placeOf(['tasks', index, 'id'])}: ${quoted(id)} is the id of ${placeOf(['tasks', before])} already. Give each task its own.`;
    first.set(id, index);
  }
  for (const [index, { depends }] of tasks.entries()) {
    const nth = depends.findIndex((id) => !first.has(id));
    if (nth >= 0)
      return `${placeOf(['tasks', index, 'depends', nth])}: the plan has no task ${quoted(depends[nth] ?? '')}. Add it, or drop the dependency.`;
  }
  return inOrder(tasks).circular
    ? 'tasks: some depend on each other in a circle. Break it somewhere.'
    : null;
}

function told(issues: readonly { path: Way; message: string }[]): string {
  const [first] = issues;
  if (first === undefined) return 'It is not a plan.';
  const rest = issues.length - 1;
  const more = rest === 0 ? '' : ` (and ${rest} more)`;
  return `${placeOf(first.path)}: ${sentence(first.message)}${more}`;
}

/** A place in the JSON as people write it: `tasks[2].depends[0]`. */
function placeOf(way: Way): string {
  const place = way
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      const name = visible(String(part)).slice(0, 60);
      return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join('')
    .replace(/^\./, '');
  return place === '' ? 'The whole text' : place;
}

/** Where JSON ends to be JSON, as the engine tells it; not every version tells line and column. */
function notJson(text: string, error: unknown): string {
  const what = error instanceof Error ? error.message : String(error);
  const at = / at position (\d+)/.exec(what);
  if (at === null) return `It is not JSON: ${sentence(visible(what))}`;
  const before = text.slice(0, Number(at[1])).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const reason = visible(what.slice(0, at.index)).replace(/ in JSON$/, '');
  return `It is not JSON: line ${before.length}, column ${column}: ${sentence(reason)}`;
}

const quoted = (id: string) => JSON.stringify(visible(id.slice(0, 60)));
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
