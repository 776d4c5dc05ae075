import { z } from 'zod';

/** Where a process ends: in front of a call that changes something on the disk, in the middle of it, or after it. */
export const Moment = z.enum(['before', 'half', 'after']);
export type Moment = z.infer<typeof Moment>;

/**
 * The call at which it ends: the nth of this kind (`rename work/.orch_data/ops/drafts/d_*.json`), or the nth of any
 * kind; null: none, they are only written down.
 */
export const Aim = z
  .object({ point: z.string().nullable(), nth: z.int().positive(), moment: Moment })
  .nullable();
export type Aim = z.infer<typeof Aim>;

/** What a process is started with, in `GIMO_FAULTS`. */
export const Orders = z.object({
  /** Calls below this directory count. */
  base: z.string(),
  /** What is lost of that which was not synced; null: nothing, as when only the process dies. */
  loss: z.enum(['all', 'some']).nullable(),
  seed: z.int(),
  /** From the first moment on. Left out: it waits to be told. */
  aim: Aim.optional(),
});
export type Orders = z.infer<typeof Orders>;

/** What the test tells a process that runs. */
export const Told = z.union([z.object({ aim: Aim }), z.object({ tell: z.literal('points') })]);
export type Told = z.infer<typeof Told>;

/** What the process answers. */
export const Answer = z.union([
  z.object({ armed: z.literal(true) }),
  z.object({ points: z.array(z.string()) }),
]);
export type Answer = z.infer<typeof Answer>;

/** A call and the file that it is about, without what is another each time. */
export function pointOf(call: string, path: string): string {
  const kind = path
    .replace(/\b([dars])_\d+_[0-9a-f]+/g, '$1_*')
    .replace(/\b[0-9a-f]{64}\b/g, '#')
    .replace(/\.\d+-[0-9a-f]{12}\.tmp$/, '.tmp')
    .replace(/(\.gimo-)[0-9a-f]+-[0-9a-f]+/, '$1*')
    .replace(/\bepochs\/\d+(\.by-)?.*/, 'epochs/N$1')
    .replace(/\bepoch-\d+/, 'epoch-N')
    .replace(/^(work\/[a-z]+-)\d+/, '$1N')
    .replace(/audit-\d{12}/, 'audit-N');
  return `${call} ${kind}`;
}
