import type { Command } from 'commander';
import type { Seen } from '../../client/events.ts';
import type { ChangeEvent } from '../../contract/events.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { untilInterrupt } from '../interrupt.ts';
import { createBell } from '../patience.ts';
import { createReporter, keyOf } from '../watching.ts';

/** `gimo watch` */
export function addWatch(program: Command, run: Run): void {
  program
    .command('watch')
    .description('tell what happens, live: drafts, runs, and gates that wait; until Ctrl-C')
    .addHelpText(
      'after',
      example(
        'watch',
        'It begins with what waits now. With --json each event is one line, as the server sends it; after {"type":"reset"} whatever was known may be old.',
      ),
    )
    .action(() => run(watch));
}

async function watch(session: Session): Promise<number> {
  const connection = await session.connect();
  await untilInterrupt(session, (signal) =>
    session.json ? pass(session, connection, signal) : report(session, connection, signal),
  );
  return exitCodes.interrupted;
}

async function pass({ out }: Session, { events }: Connection, signal: AbortSignal) {
  for await (const seen of events(signal)) out.json(seen.type === 'reset' ? seen : seen.event, 0);
}

async function report(session: Session, { client, events }: Connection, signal: AbortSignal) {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const bell = createBell();
  const waiting = new Map<string, ChangeEvent | null>();
  const listening = listen(events(both), (event) => {
    waiting.set(event === null ? 'reset' : keyOf(event), event);
    bell.ring();
  });
  const reporter = createReporter(session, client, both);
  try {
    while (!signal.aborted) {
      await Promise.race([bell.rung(), listening]);
      const told = [...waiting.values()];
      waiting.clear();
      for (const event of told) await reporter.tell(event);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
    await Promise.allSettled([listening]);
  }
}

/** Hands on what changes, null for a reset. The log of a run has a command of its own. */
async function listen(seen: AsyncIterable<Seen>, hand: (event: ChangeEvent | null) => void) {
  for await (const one of seen)
    if (one.type === 'reset') hand(null);
    else if (one.event.type !== 'log') hand(one.event);
}
