import type { Draft } from '../../../src/contract/operations.ts';
import type { Random } from '../../faults/random.ts';
import type { Caller } from './caller.ts';

/** What there is to act on; the newest, so that it stays as small as what people look at. */
export interface World {
  drafts: Draft[];
  artifacts: string[];
  /** Runs that are not over, as far as anybody was told. */
  live: string[];
  /** Runs that are over. */
  over: string[];
  count: number;
  /** The program that command steps run. */
  program: string;
  /** Stands in the arguments of every command, so that one that outlives its run is found. */
  mark: string;
}

/** Of each kind, at most so many are kept in mind. */
const most = 60;
export const keep = <T>(all: T[], one: T) => {
  all.push(one);
  if (all.length > most) all.shift();
};
export const take = <T>(all: T[], random: Random): T | undefined =>
  all.splice(random.below(Math.max(1, all.length)), 1)[0];
export const look = <T>(all: readonly T[], random: Random): T | undefined =>
  all[random.below(Math.max(1, all.length))];

export type Act = (caller: Caller, world: World, random: Random) => Promise<unknown>;
