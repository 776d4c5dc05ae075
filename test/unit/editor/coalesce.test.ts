import { expect, test, vi } from 'vitest';
import { coalesce } from '../../../src/editor/coalesce.ts';

const fail = (error: unknown) => {
  throw error;
};

test('a burst of requests is one run, and one more for what came meanwhile', async () => {
  vi.useFakeTimers();
  try {
    let runs = 0;
    let finish = () => {};
    const job = coalesce(
      () => {
        runs++;
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      50,
      fail,
    );
    for (let n = 0; n < 10; n++) job.request();
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(1);
    job.request();
    job.request();
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(1);
    finish();
    await vi.advanceTimersByTimeAsync(49);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(2);
    job.dispose();
    finish();
    job.request();
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('a job that fails is told, and runs again when it is asked for', async () => {
  vi.useFakeTimers();
  try {
    const told: unknown[] = [];
    let runs = 0;
    const broken = new Error('broken');
    const job = coalesce(
      async () => {
        runs++;
        if (runs === 1) throw broken;
      },
      50,
      (error) => told.push(error),
    );
    job.request();
    await vi.advanceTimersByTimeAsync(50);
    expect([runs, told]).toEqual([1, [broken]]);
    job.request();
    await vi.advanceTimersByTimeAsync(50);
    expect([runs, told]).toEqual([2, [broken]]);
  } finally {
    vi.useRealTimers();
  }
});

test('what is to be told together waits for what belongs to it', async () => {
  vi.useFakeTimers();
  try {
    let runs = 0;
    const count = async () => {
      runs++;
    };
    const job = coalesce(count, 50, fail, 50);
    job.request();
    await vi.advanceTimersByTimeAsync(49);
    job.request();
    expect(runs).toBe(0);
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
