/** What happened, counted. */
export interface Tally {
  /** An answer of an operation to a caller of a role. */
  answered(name: string, role: string, status: number, ms: number, whileReloading: boolean): void;
  /** A connection that failed or broke off while the window was loaded again. */
  lost(): void;
  /** A request that the client itself broke off. */
  cut(): void;
  event(): void;
  /** Something that must not be. */
  fault(text: string): void;
  report(): TallyReport;
}

export interface TallyReport {
  answers: number;
  /** Milliseconds until an answer, its body included, while the window was left alone. */
  took: { median: number; p99: number; most: number };
  byStatus: Record<string, number>;
  byRole: Record<string, number>;
  byOperation: Record<string, Record<string, number>>;
  lostWhileReloading: number;
  /** The answers that took longest. */
  slowest: Slow[];
  cut: number;
  events: number;
  /** Answers of 500 and more, with how many of them while the window was loaded again. */
  serverErrors: { all: number; whileReloading: number };
  /** Milliseconds in which nobody got an answer, at most. */
  longestGapMs: number;
  faults: Record<string, number>;
}

interface Slow {
  what: string;
  status: number;
  ms: number;
  whileReloading: boolean;
}

const mostSlow = 20;
/** Different faults that are kept; there can be as many as there are requests. */
const mostFaults = 200;

export function createTally(): Tally {
  const [byStatus, byRole] = [new Map<string, number>(), new Map<string, number>()];
  const byOperation = new Map<string, Map<string, number>>();
  const faults = new Map<string, number>();
  const sums = { answers: 0, lost: 0, cut: 0, events: 0, errors: 0, errorsReloading: 0, gap: 0 };
  const took: number[] = [];
  let slowest: Slow[] = [];
  let last: number | null = null;
  const add = (to: Map<string, number>, key: string) => void to.set(key, (to.get(key) ?? 0) + 1);
  return {
    answered(name, role, status, ms, whileReloading) {
      const now = performance.now();
      sums.gap = Math.max(sums.gap, now - (last ?? now));
      if (!whileReloading) took.push(ms);
      if (slowest.length < mostSlow || ms > (slowest.at(-1)?.ms ?? 0)) {
        slowest.push({ what: `${name} (${role})`, status, ms: Math.round(ms), whileReloading });
        slowest = slowest.sort((one, other) => other.ms - one.ms).slice(0, mostSlow);
      }
      last = now;
      sums.answers += 1;
      add(byStatus, String(status));
      add(byRole, role);
      const operation = byOperation.get(name) ?? new Map<string, number>();
      byOperation.set(name, operation);
      add(operation, String(status));
      if (status < 500) return;
      sums.errors += 1;
      if (whileReloading) sums.errorsReloading += 1;
    },
    lost() {
      sums.lost += 1;
    },
    cut() {
      sums.cut += 1;
    },
    event() {
      sums.events += 1;
    },
    fault(text) {
      if (faults.size < mostFaults || faults.has(text)) add(faults, text);
    },
    report: () => ({
      answers: sums.answers,
      took: tookOf(took),
      byStatus: sorted(byStatus),
      byRole: sorted(byRole),
      byOperation: Object.fromEntries(
        [...byOperation].sort().map(([name, counts]) => [name, sorted(counts)]),
      ),
      lostWhileReloading: sums.lost,
      slowest,
      cut: sums.cut,
      events: sums.events,
      serverErrors: { all: sums.errors, whileReloading: sums.errorsReloading },
      longestGapMs: Math.round(sums.gap),
      faults: sorted(faults),
    }),
  };
}

const sorted = (counts: ReadonlyMap<string, number>) => Object.fromEntries([...counts].sort());

function tookOf(all: readonly number[]): TallyReport['took'] {
  const inOrder = [...all].sort((one, other) => one - other);
  const at = (share: number) => Math.round(inOrder[Math.floor(share * inOrder.length)] ?? 0);
  return { median: at(0.5), p99: at(0.99), most: Math.round(inOrder.at(-1) ?? 0) };
}
