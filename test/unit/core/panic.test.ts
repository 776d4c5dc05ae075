import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { openAudit } from '../../../src/core/audit.ts';
import { braked, stopOrGoOn } from '../../../src/core/brake.ts';
import { createEvents } from '../../../src/core/events.ts';
import type { Ledger } from '../../../src/core/ledger-ports.ts';
import { openPanic } from '../../../src/core/panic.ts';
import { artifactOf, draftOf, entryOf, openParts, runOf, tempDir, unsettled } from './support.ts';

const person = { actor: 'operator:abc', correlationId: 'p' };

async function open(security?: Ledger['security']) {
  const parts = await openParts(await tempDir());
  const { auditFile, ledger, clock, logger } = parts;
  const audit = await openAudit({ file: auditFile, ledger, clock, logger });
  const seen: string[] = [];
  const events = createEvents(() => undefined);
  events.subscribe(({ type }) => seen.push(type));
  const start = () =>
    openPanic({
      ledger: { security: security ?? ledger.security },
      ...{ audit, events, clock, logger },
    });
  return { ...parts, start, seen, panic: await start() };
}

describe('what counts', () => {
  it('is what happened within a minute, not what happened before', async () => {
    const { panic, clock } = await open();
    for (let n = 0; n < 4; n += 1) await panic.invalidToken('a');
    clock.time += 60_000;
    await panic.invalidToken('b');
    expect(panic.level()).toBe('open');
    clock.time += 59_999;
    for (let n = 0; n < 3; n += 1) await panic.invalidToken('c');
    expect(panic.level()).toBe('open');
    await panic.invalidToken('d');
    expect(panic.level()).toBe('strangers');
  });

  it('of unhandled errors is three, and locks everybody', async () => {
    const { panic, clock } = await open();
    for (let n = 0; n < 2; n += 1) await panic.unhandledError('a');
    clock.time += 60_000;
    for (let n = 0; n < 2; n += 1) await panic.unhandledError('b');
    expect(panic.mayRun()).toBe(true);
    await panic.unhandledError('c');
    expect(panic.level()).toBe('all');
    expect(panic.mayRun()).toBe(false);
  });

  it('begins anew after somebody has resolved it', async () => {
    const { panic } = await open();
    for (let n = 0; n < 5; n += 1) await panic.invalidToken('a');
    await panic.resolve(person);
    for (let n = 0; n < 4; n += 1) await panic.invalidToken('b');
    expect(panic.level()).toBe('open');
  });
});

describe('a lockdown', () => {
  it('of strangers turns into one of all, and never back by itself', async () => {
    const { panic, start } = await open();
    for (let n = 0; n < 5; n += 1) await panic.invalidToken('a');
    expect(() => panic.requireOpenTo({ effect: 'mutation' })).not.toThrow();
    expect(() => panic.requireOpenToStrangers()).toThrow(/^System in LOCKDOWN\. /);
    await panic.lockDown(person, null);
    for (let n = 0; n < 9; n += 1) await panic.invalidToken('b');
    expect(panic.level()).toBe('all');
    expect((await start()).level()).toBe('all');
  });

  it('leaves reads and what is marked', async () => {
    const { panic } = await open();
    await panic.lockDown(person, 'why');
    panic.requireOpenTo({ effect: 'read' });
    panic.requireOpenTo({ effect: 'mutation', inLockdown: true });
    for (const effect of ['mutation', 'brake'])
      expect(() => panic.requireOpenTo({ effect })).toThrow(/^System in LOCKDOWN\. /);
  });

  it('is in force although it cannot be kept, and whoever pulled it is told', async () => {
    const { panic, faults, told } = await open();
    faults.ledger = new GimoError('storage_full', 'no room');
    await expect(panic.lockDown(person, null)).rejects.toMatchObject({ code: 'storage_full' });
    expect(panic.level()).toBe('all');
    const other = await open();
    other.faults.ledger = new GimoError('storage_full', 'no room');
    for (let n = 0; n < 3; n += 1) await other.panic.unhandledError('a');
    expect(other.panic.level()).toBe('all');
    expect(other.told.some(({ message }) => /could not be kept/.test(message))).toBe(true);
    expect(told.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('whose end cannot be kept is not over', async () => {
    const { panic, faults, seen } = await open();
    await panic.lockDown(person, null);
    faults.ledger = new GimoError('storage_full', 'no room');
    await expect(panic.resolve(person)).rejects.toMatchObject({ code: 'storage_full' });
    expect(panic.level()).toBe('all');
    expect(seen).toEqual(['panic']);
  });

  it('that is pulled while another is being resolved stays', async () => {
    const { panic, start } = await open();
    await panic.lockDown(person, 'one');
    const resolving = panic.resolve(person);
    await Promise.all([panic.lockDown(person, 'two'), resolving]);
    expect(panic.level()).toBe('all');
    expect((await start()).level()).toBe('all');
  });

  it('is what holds when nothing is known', async () => {
    const kept: unknown[] = [];
    const { panic } = await open({
      read: async () => null,
      write: async (state) => void kept.push(state),
    });
    expect(panic.level()).toBe('all');
    expect(kept).toMatchObject([{ level: 'all', events: [{ type: 'state_unreadable' }] }]);
  });

  it('keeps the last hundred events', async () => {
    const { panic } = await open();
    for (let n = 0; n < 60; n += 1) {
      await panic.lockDown(person, `${n}`);
      await panic.resolve(person);
    }
    expect(panic.events()).toHaveLength(100);
    expect(panic.events()[98]).toMatchObject({ type: 'lockdown', reason: '59' });
  });
});

describe('runs at a lockdown', () => {
  it('that change something are stopped; those that ask a model come to their end', async () => {
    const { ledger } = await openParts(await tempDir());
    const text = artifactOf(draftOf(1), ledger);
    const command = { id: 'c', kind: 'command' as const, argv: ['/bin/true'] };
    const effects = artifactOf(draftOf(2, { steps: [command] }), ledger);
    const entries = new Map(
      [entryOf(runOf(1, text), text), entryOf(runOf(2, effects), effects)].map((entry) => [
        entry.id,
        entry,
      ]),
    );
    const halted: string[] = [];
    const lines: string[] = [];
    const worker = {
      ...{ wake() {}, settle: unsettled },
      halt: async (id: string) => void halted.push(id),
    };
    const book = {
      working: () => [...entries.keys()],
      entry: (id: string) => entries.get(id),
      log: (id: string, _level: string, msg: string) => void lines.push(`${id} ${msg}`),
    };
    stopOrGoOn({ mayRun: () => false }, book, worker, { log() {} });
    const id = runOf(2, effects).id;
    expect(halted).toEqual([id]);
    expect(lines).toEqual([`${id} GIMO was locked down, so this run is stopped.`]);
  });

  it('wait: the book shows none and begins none', async () => {
    let mayRun = false;
    const book = {
      waiting: () => ['r'],
      begin: async () => ({ runId: 'r', steps: [], target: null, ranMs: 0 }),
    };
    const shown = braked(Object.assign(Object.create(null), book), { mayRun: () => mayRun });
    expect([shown.waiting(), await shown.begin('r')]).toEqual([[], null]);
    mayRun = true;
    expect([shown.waiting(), (await shown.begin('r'))?.runId]).toEqual([['r'], 'r']);
  });
});
