import { expect, test, vi } from 'vitest';
import { coalesce } from '../../../src/editor/coalesce.ts';

test('a burst of requests is one run, and one more for what came meanwhile', async () => {
  vi.useFakeTimers();
  try {
    let runs = 0;
    let finish = () => {};
    const job = coalesce(() => {
      runs++;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    }, 50);
    for (let n = 0; n < 10; n++) job.request();
    await vi.advanceTimersByTimeAsync(50);
    expect(runs).toBe(1);
    job.request();
    job.request();
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(1);
    finish();
    await vi.advanceTimersByTimeAsync(50);
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
