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

/** What is lost of that which was not synced. */
export const Loss = z.enum(['all', 'some']);
export type Loss = z.infer<typeof Loss>;

/** What a server is started with, in `GIMO_FAULTS`, or in the word that starts it in a process of several. */
export const Orders = z.object({
  /** Calls below this directory count. */
  base: z.string(),
  /**
   * What is lost at its end of that which was not synced; null: nothing, as when only the process dies. `later`: nothing
   * yet, but the next server is told what it was, so that it may still be lost with that one's end.
   */
  loss: z.union([Loss, z.literal('later')]).nullable(),
  seed: z.int(),
  /** From the first moment on. Left out: it waits to be told. */
  aim: Aim.optional(),
});
export type Orders = z.infer<typeof Orders>;

/** What the test tells a server that runs: where it ends, to tell its points, or that the power goes now. */
export const Told = z.union([
  z.object({ aim: Aim }),
  z.object({ tell: z.literal('points') }),
  z.object({ power: z.literal('off') }),
]);
export type Told = z.infer<typeof Told>;

/** What the server answers. */
export const Answer = z.union([
  z.object({ armed: z.literal(true) }),
  z.object({ points: z.array(z.string()) }),
]);
export type Answer = z.infer<typeof Answer>;

/** What the test tells a process in which several servers run. */
export const ToldHull = z.union([
  z.object({
    id: z.int(),
    start: z.object({
      root: z.string(),
      env: z.record(z.string(), z.string()),
      orders: Orders,
    }),
  }),
  z.object({ id: z.int(), told: Told }),
  /** Nothing is to be written by any of them any more: the end, for all. */
  z.object({ end: z.literal(true) }),
]);
export type ToldHull = z.infer<typeof ToldHull>;

/** What such a process tells. */
export const HullAnswer = z.union([
  z.object({ id: z.int(), listening: z.string() }),
  z.object({ id: z.int(), failed: z.string() }),
  z.object({ id: z.int(), answer: Answer }),
  /** A server came to where it ends, and has been standing still since. */
  z.object({ id: z.int(), reached: z.string() }),
]);
export type HullAnswer = z.infer<typeof HullAnswer>;

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
