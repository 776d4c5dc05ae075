import { describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { patientSource } from '../../../src/editor/documents/source.ts';
import type { Served } from '../../../src/http/served.ts';

const host: Pick<Served, 'client'> = {
  client: createClient({ send: () => Promise.reject(new Error('not asked')) }),
};

function window() {
  let running = false;
  let starting = true;
  const listeners = new Set<() => void>();
  return {
    source: {
      host: () => (running ? (host as Served) : null),
      starting: () => starting,
      onHostChange(listener: () => void) {
        listeners.add(listener);
        return { dispose: () => listeners.delete(listener) };
      },
    },
    set(now: 'starting' | 'running' | 'stopped') {
      running = now === 'running';
      starting = now === 'starting';
      for (const listener of listeners) listener();
    },
    listeners,
  };
}

describe('a tab that asks for its text', () => {
  test('waits for a server that is about to start', async () => {
    const { source, set } = window();
    const patient = patientSource(source, 60_000);
    const asked = patient.soon();
    set('starting');
    set('running');
    expect(await asked).toBe(host);
    patient.dispose();
  });

  test('waits for the one that takes over from a server that went away', async () => {
    const { source, set, listeners } = window();
    const patient = patientSource(source, 60_000);
    set('running');
    set('starting');
    const asked = patient.soon();
    set('running');
    expect(await asked).toBe(host);
    expect(listeners.size).toBe(0);
    patient.dispose();
  });

  test('is told at once that the server could not start', async () => {
    const { source, set } = window();
    const patient = patientSource(source, 60_000);
    const asked = patient.soon();
    set('stopped');
    expect(await asked).toBeNull();
    patient.dispose();
  });

  test('does not wait for a server that was stopped', async () => {
    const { source, set, listeners } = window();
    const patient = patientSource(source, 60_000);
    set('running');
    set('stopped');
    expect(await patient.soon()).toBeNull();
    patient.dispose();
    expect(listeners.size).toBe(0);
  });

  test('does not wait for ever', async () => {
    const patient = patientSource(window().source, 1);
    expect(await patient.soon()).toBeNull();
    patient.dispose();
  });
});
