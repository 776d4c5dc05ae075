import type { Command } from 'commander';
import type { ApprovedListItem } from '../../contract/operations.ts';
import type { Run } from '../deps.ts';
import { addList, idWidth } from '../list.ts';
import type { Part } from '../output.ts';
import { age } from '../render.ts';

/** `gimo approved` */
export function addApproved(program: Command, run: Run): void {
  addList(program, run, {
    name: 'approved',
    what: 'approved artifacts, and whether each may run',
    statuses: [],
    example: 'approved --limit 10',
    ask: (client, { limit, view }) => client.answer('listApproved', { limit, view }),
    columns: [
      { title: 'APPROVED', min: idWidth },
      { title: 'MAY RUN', min: 7 },
      { title: 'AGE', min: 3 },
      { title: 'PROMPT', min: 8 },
      { title: 'WHY NOT', min: 8 },
    ],
    row: (artifact, now) => [
      ...[artifact.id, mayRun(artifact), age(artifact.approved_at, now), artifact.prompt],
      artifact.blocked_reason ?? '',
    ],
  });
}

const mayRun = ({ runnable }: ApprovedListItem): Part =>
  runnable ? { text: 'yes', colour: 'green' } : { text: 'no', colour: 'dim' };
