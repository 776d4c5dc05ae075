import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mayCall, roles } from '../src/contract/operation.ts';
import { type Operation, opIds, table } from '../src/contract/operations.ts';
import { apiReference, marker } from './api.ts';

/** The operation table as Markdown: `docs/OPERATIONS.md` holds it. */
export function operationsTable(): string {
  const rows = opIds.map((id) => {
    const operation: Operation = table[id];
    const marks = roles.map((role) => (mayCall(role, operation) ? 'yes' : '–'));
    const call = `${operation.method.toUpperCase()} ${operation.path}`;
    return `| \`${id}\` | \`${call}\` | ${marks.join(' | ')} | ${operation.asks ? `${operation.status} or 202` : operation.status} | ${operation.effect} | ${operation.summary} |`;
  });
  const head = ['operation', 'call', ...roles, 'answer', 'effect', 'what it does'];
  return [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows,
    '',
    '`operator` may also call `generateDraft` where the configuration says `operator_can_generate`.',
    '',
    ...descriptions(),
    '',
  ].join('\n');
}

/** What is to be known beside the table, of the operations that say more. */
function descriptions(): string[] {
  return opIds.flatMap((id) => {
    const { description }: Operation = table[id];
    return description === undefined ? [] : [`- \`${id}\`: ${description}`];
  });
}

/** What stands in `docs/OPERATIONS.md`. */
export const operationsPage = (): string => `# Operations

Who may call what, made by \`npm run operations\` from the operation table. Each operation with its parameters, answers and
an example: [api.md](api.md).

${operationsTable()}`;

/** A page with what stands below the marker made anew. */
export function withReference(page: string): string {
  const at = page.indexOf(marker);
  if (at === -1) throw new Error(`docs/api.md has lost its line ${marker}`);
  return `${page.slice(0, at)}${marker}\n\n${apiReference()}`;
}

/* `npm run operations` writes both pages. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [operations, api] = ['OPERATIONS', 'api'].map((name) =>
    fileURLToPath(new URL(`../docs/${name}.md`, import.meta.url)),
  );
  if (operations === undefined || api === undefined) throw new Error('there are two pages');
  writeFileSync(operations, operationsPage());
  writeFileSync(api, withReference(readFileSync(api, 'utf8')));
}
