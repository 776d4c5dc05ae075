import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Handlers } from './handlers.ts';
import type { Panic } from './panic.ts';
import type { Store } from './ports.ts';
import type { Settings } from './settings.ts';

/** What a server knows of itself. */
export interface ServerFacts {
  version: string;
  pid: number;
  dataDir: string;
  epoch: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  hostedBy: 'editor' | 'headless';
}

/** Seconds since the server has started. */
export const uptime = ({ startedAt }: Pick<ServerFacts, 'startedAt'>, clock: Clock): number =>
  Math.max(0, clock.now() - startedAt) / 1000;

export function statusHandler(ports: {
  store: Store;
  settings: Settings;
  clock: Clock;
  facts: ServerFacts;
  panic: Pick<Panic, 'level'>;
  changes: Pick<Changes, 'look'>;
}): Handlers['getStatus'] {
  const { store, settings, clock, facts, panic, changes } = ports;
  return {
    async read() {
      const [drafts, approved, runs] = await Promise.all([
        store.drafts.counts(),
        store.approved.ids(),
        store.runs.counts(),
      ]);
      // After the counting, which may find more of them, or that one is gone.
      const quarantined = await store.quarantined();
      return {
        body: {
          version: facts.version,
          uptime_seconds: uptime(facts, clock),
          pid: facts.pid,
          data_dir: facts.dataDir,
          epoch: facts.epoch,
          panic_mode: panic.level() !== 'open',
          drafts,
          approved: approved.length,
          runs,
          quarantined,
          provider: settings.active().name,
          changes: (await changes.look()).length,
        },
      };
    },
  };
}
