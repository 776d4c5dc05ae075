/** What a gate found. */
export interface Verdict {
  /** A sentence for each thing that is wrong; the gate passes if there is none. */
  faults: string[];
  /** What it looked at, with figures. */
  what: string;
}
