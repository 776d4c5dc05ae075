import { isAtEditor } from '../../contract/actors.ts';
import type { DraftListItem } from '../../contract/operations.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import { oneLine } from '../text.ts';
import { type TitledRun, waitingGate } from '../trees/runRow.ts';

/* What to tell a person about what has begun to wait for them. */

/** Something that waits for a person. */
export interface Waits {
  /** Tells it from all others: a run may come to another gate, which is news again. */
  key: string;
  subject: PanelSubject;
  /** In words, one line. */
  text: string;
}

/** Drafts that wait, and runs of which some wait at a gate; null while nobody knows. */
export interface WaitingLists {
  drafts: readonly DraftListItem[] | null;
  runs: readonly TitledRun[] | null;
}

/** How much of a prompt or title is shown, in characters. */
const most = 80;

/** What is said when several things wait. Always the same, so that a later one replaces it. */
export const severalWait = 'Several drafts or gates wait for you in GIMO.';

/** The words for one thing that waits. In a notification, `[label](address)` would be a link. */
export const oneWaits = ({ text }: Waits): string => text.replaceAll('](', '] (');

export interface WaitingNews {
  /**
   * Takes what waits now.
   * @returns what was not there before; nothing the first time, when all of it is old
   */
  take(lists: WaitingLists): Waits[];
  /** Everything that waits, as it was taken last. */
  readonly all: readonly Waits[];
  /** Another server: what it has is not new, either. */
  forget(): void;
}

export function createWaitingNews(): WaitingNews {
  const known = { drafts: new Set<string>(), runs: new Set<string>() };
  const read = { drafts: false, runs: false };
  let all: Waits[] = [];
  const fresh = (which: 'drafts' | 'runs', found: readonly Waits[] | null): Waits[] => {
    if (found === null) return [];
    const news = read[which] ? found.filter(({ key }) => !known[which].has(key)) : [];
    known[which] = new Set(found.map(({ key }) => key));
    read[which] = true;
    return news;
  };
  return {
    get all() {
      return all;
    },
    take({ drafts, runs }) {
      const waiting = drafts?.filter(({ status }) => status === 'draft').map(draftWaits) ?? null;
      const gates = runs?.flatMap(gateWaits) ?? null;
      all = [...(waiting ?? []), ...(gates ?? [])];
      const mine = new Set(drafts?.filter(isMine).map(({ id }) => id));
      return [...fresh('drafts', waiting), ...fresh('runs', gates)].filter(
        ({ subject }) => !mine.has(subject.id),
      );
    },
    forget() {
      known.drafts.clear();
      known.runs.clear();
      read.drafts = false;
      read.runs = false;
      all = [];
    },
  };
}

/** What a person made at an editor they need not be told. */
const isMine = ({ created_by }: DraftListItem) => created_by !== null && isAtEditor(created_by);

const draftWaits = ({ id, prompt }: DraftListItem): Waits => ({
  key: id,
  subject: { kind: 'draft', id },
  text: `A draft waits for you: ${oneLine(prompt, most)}`,
});

function gateWaits({ run, title }: TitledRun): Waits[] {
  const gate = waitingGate(run);
  if (run.status !== 'paused' || gate === undefined) return [];
  const what = gate.title ?? title ?? run.id;
  return [
    {
      key: `${run.id}/${gate.id}`,
      subject: { kind: 'run', id: run.id },
      text: `A run waits at a gate: ${oneLine(what, most)}`,
    },
  ];
}
