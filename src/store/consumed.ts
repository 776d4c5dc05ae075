import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { Consumed, SpentApproval } from '../core/ledger-ports.ts';
import type { Fence } from './files.ts';
import { createNoted } from './noted.ts';

const Line: z.ZodType<SpentApproval> = z.object({ id: z.string(), run_id: z.string() });

/** The spent approvals of a ledger. None is ever forgotten, so that none can be used a second time. */
export function createConsumed(path: string, fence: Fence): Consumed & { forget(): void } {
  const what = 'the list of spent approvals';
  const { note, all, forget } = createNoted({ path, fence, schema: Line, what, unreadable });
  return { note, all, forget };
}

// Without it an approval that was carried out could be carried out again.
const unreadable = () =>
  new GimoError(
    'storage_error',
    'consumed.jsonl in the ledger cannot be read, so GIMO does not know which approvals are spent. Mend that file, or delete it if every approval may be used again.',
  );
