import { z } from 'zod';
import { IdempotencyKey } from '../records.ts';

/* What rows of several kinds have in common. */

/** An id is a plain string here: whether it has the right form is asked by a precondition, and answered with 404. */
export const Id = z.string();

/** What every list may be asked with. */
export const page = {
  limit: z.int().min(1).max(1000).default(1000),
  cursor: z.string().max(200).optional(),
  view: z.enum(['full', 'summary']).default('full'),
};

/** What every operation that creates may be given; the `Idempotency-Key` header says the same. */
export const idempotent = { idempotency_key: IdempotencyKey.nullable().optional() };
