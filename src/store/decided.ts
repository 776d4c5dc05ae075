import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { Decided, Decision } from '../core/ledger-ports.ts';
import type { Fence } from './files.ts';
import { createNoted, type Noted } from './noted.ts';

const Line: z.ZodType<Decision> = z.object({
  id: z.string(),
  status: z.enum(['approved', 'rejected', 'error']),
  approved_id: z.string().nullable(),
  reject_reason: z.string().nullable().optional(),
});

/** The decisions of a ledger. */
export function createDecided(path: string, fence: Fence): Decided & Noted<Decision> {
  const what = 'the list of decisions';
  return createNoted({ path, fence, schema: Line, what, unreadable });
}

// Without it what was rejected could be approved.
const unreadable = () =>
  new GimoError(
    'storage_error',
    'decided.jsonl in the ledger cannot be read, so GIMO does not know which drafts were decided. Mend that file, or delete it if every draft may be decided again.',
  );
