import { z } from 'zod';

export const changeTypes = [
  'draft',
  'approved',
  'run',
  'log',
  'plan',
  'config',
  'provider',
  'changes',
  'panic',
  'server',
] as const;

/** Says that something changed, not what it is now: whoever cares reads it. `rev` grows by one a change. */
export const ChangeEvent = z.object({
  type: z.enum(changeTypes),
  id: z.string().nullable(),
  rev: z.int(),
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;
export type ChangeType = ChangeEvent['type'];
