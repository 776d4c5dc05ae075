import { GimoError } from '../contract/errors.ts';
import type { EditStep, Step } from '../contract/records.ts';
import { resolveCommand } from './commands.ts';
import { normalPath } from './cover.ts';
import type { Call } from './handlers.ts';
import { sha256 } from './hash.ts';
import { isPerson } from './principals.ts';
import type { Judge, Repository } from './repository.ts';
import type { Settings } from './settings.ts';
import { createSlicer } from './slicer.ts';
import type { Programs, Workspace } from './work.ts';

/*
 * What the server adds to steps before they become a draft, so that an approval names all of it: which version of a file
 * a change was made from, and which program a command really runs.
 */

export interface FillPorts {
  workspace: Pick<Workspace, 'look'>;
  programs: Programs;
  settings: Pick<Settings, 'config'>;
  judge: Repository['judge'];
}

/** Files that are looked at for one proposal, and what they may hold together, in bytes: as much as a step may change. */
const mostFiles = 1000;
const mostBytes = 64 * 2 ** 20;

export interface Fill {
  /**
   * Fills in what a proposal has left out. A `base_sha256` that is given stays as it is: the change was made from that.
   * @throws GimoError `path_refused` for a file that no edit may change; and, unless a person asks, for one that clients
   *   may not read, since its hash would tell what is in it. `payload_too_large` if that is too much to look at
   */
  proposal(steps: readonly Step[], call: Pick<Call, 'principal'>): Promise<Step[]>;
  /** Fills in the programs of commands, and nothing else. */
  programs(steps: readonly Step[]): Promise<Step[]>;
}

export function createFill(ports: FillPorts): Fill {
  const { workspace, programs, settings, judge } = ports;
  const resolved = (steps: readonly Step[]): Promise<Step[]> =>
    Promise.all(
      steps.map(async (step) =>
        step.kind === 'command'
          ? resolveCommand(step, settings.config().command_allowlist, programs)
          : step,
      ),
    );
  return {
    programs: resolved,
    async proposal(steps, call) {
      const asPerson = isPerson(call);
      // Before anything is read.
      refuse(steps, asPerson ? () => true : await judge());
      let room = mostBytes;
      const based = await fillEdits(steps, async (change, earlier, place) => {
        if (change.base_sha256 !== undefined) return change;
        if (earlier !== undefined) return { ...change, base_sha256: earlier?.sha256 ?? null };
        if (room < 0) throw tooMuch();
        const found = await workspace.look(change.path);
        if (found.state === 'refused')
          throw new GimoError('path_refused', `${placed(place)} cannot be made. ${found.why}`);
        if (found.state === 'missing') return { ...change, base_sha256: null };
        // What is no text clients may not read either.
        if (found.text === null && !asPerson) throw unreadable(place);
        room -= found.bytes;
        return { ...change, base_sha256: found.sha256 };
      });
      return resolved(based);
    },
  };
}

/** @throws GimoError if what is left out could not be filled in, whatever the files hold */
function refuse(steps: readonly Step[], mayRead: Judge): void {
  const seen = new Set<string>();
  let looks = 0;
  for (const { change, place } of changesOf(steps)) {
    const path = normalPath(change.path);
    const needed = change.base_sha256 === undefined && !seen.has(path);
    seen.add(path);
    if (!needed) continue;
    looks += 1;
    if (looks > mostFiles) throw tooMuch();
    if (!mayRead(change.path)) throw unreadable(place);
  }
}

function* changesOf(steps: readonly Step[]): Generator<{ change: EditChange; place: Place }> {
  for (const [at, step] of steps.entries())
    for (const [index, change] of (step.kind === 'edit' ? step.changes : []).entries())
      yield { change, place: { step: at + 1, change: index + 1 } };
}

type EditChange = EditStep['changes'][number];

/** A file as a change finds it; null: there is none. */
export type Standing = { sha256: string; text: string | null } | null;

/** Which change of which step, both counted from 1. */
export interface Place {
  step: number;
  change: number;
}

/**
 * Goes through the changes of steps in the order in which they are made.
 * @param fill gives a change as it is to be; `earlier` is what an earlier step leaves there, undefined if none does
 */
export async function fillEdits(
  steps: readonly Step[],
  fill: (change: EditChange, earlier: Standing | undefined, place: Place) => Promise<EditChange>,
): Promise<Step[]> {
  const after = new Map<string, Standing>();
  const filled: Step[] = [];
  const slice = createSlicer();
  for (const [at, step] of steps.entries()) {
    if (step.kind !== 'edit') {
      filled.push(step);
      continue;
    }
    const changes: EditChange[] = [];
    for (const [index, change] of step.changes.entries()) {
      const path = normalPath(change.path);
      const whole = await fill(change, after.get(path), { step: at + 1, change: index + 1 });
      const { text } = whole;
      after.set(path, text === null ? null : { sha256: sha256(text), text });
      changes.push(whole);
      await slice();
    }
    filled.push({ ...step, changes });
  }
  return filled;
}

const placed = ({ step, change }: Place) => `Change ${change} of step ${step}`;

const unreadable = (place: Place) =>
  new GimoError(
    'path_refused',
    `${placed(place)} has no base_sha256, and clients may not read what it would change. Name base_sha256 yourself, or ask a person to let clients read that file.`,
  );

const tooMuch = () =>
  new GimoError(
    'payload_too_large',
    `The proposal leaves out base_sha256 for more files than GIMO looks at for one request: ${mostFiles.toLocaleString('en')} files, or ${mostBytes / 2 ** 20} MiB. Name base_sha256 yourself, or spread the changes over several drafts.`,
  );
