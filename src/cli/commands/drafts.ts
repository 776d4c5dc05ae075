import type { Command } from 'commander';
import { draftStatuses } from '../../contract/records.ts';
import type { Run } from '../deps.ts';
import { addList, idWidth } from '../list.ts';
import { age, statusPart } from '../render.ts';

/** `gimo drafts` */
export function addDrafts(program: Command, run: Run): void {
  addList(program, run, {
    name: 'drafts',
    what: 'drafts',
    statuses: draftStatuses,
    example: 'drafts --status draft --limit 10',
    ask: (client, asked) => client.answer('listDrafts', asked),
    columns: [
      { title: 'DRAFT', min: idWidth },
      { title: 'STATUS', min: 8 },
      { title: 'AGE', min: 3 },
      { title: 'FROM', min: 4 },
      { title: 'PROMPT', min: 8 },
    ],
    row: ({ id, status, created_at, source, prompt }, now) => [
      ...[id, statusPart(status), age(created_at, now), source ?? '?', prompt],
    ],
  });
}
