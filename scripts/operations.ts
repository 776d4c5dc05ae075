import { fileURLToPath } from 'node:url';
import { mayCall, roles } from '../src/contract/operation.ts';
import { type Operation, opIds, table } from '../src/contract/operations.ts';

/** The operation table as Markdown: `npm run operations` prints it, `docs/OPERATIONS.md` holds it. */
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
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(operationsTable());
