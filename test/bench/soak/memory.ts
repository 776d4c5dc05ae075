import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** What a process had in use at a moment, after a full collection; bytes, and milliseconds since 1970. */
export const Sample = z.object({
  at: z.number(),
  what: z.string(),
  rss: z.number(),
  heapUsed: z.number(),
  external: z.number(),
  handles: z.number(),
});
export type Sample = z.infer<typeof Sample>;

/** The samples of each process that soak-probe.mjs was loaded into. */
export function readSamples(dir: string): Map<number, Sample[]> {
  return new Map(
    readdirSync(dir)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => {
        const lines = readFileSync(path.join(dir, name), 'utf8').trim().split('\n');
        return [Number.parseInt(name, 10), lines.map((line) => Sample.parse(JSON.parse(line)))];
      }),
  );
}

export interface Trend {
  /** Megabytes an hour; null where there are too few points. */
  slope: number | null;
  first: number;
  last: number;
  most: number;
  points: number;
}

interface Point {
  /** Hours. */
  x: number;
  /** Megabytes. */
  y: number;
}

/**
 * Least squares through several lives of what is measured, each with a level of its own: what a process takes up anew
 * when it starts is not counted as growth. With one life it is the plain line.
 */
export function trendOf(lives: readonly (readonly Point[])[]): Trend {
  const all = lives.flat();
  let [above, below] = [0, 0];
  for (const life of lives) {
    const mean = (of: (point: Point) => number) =>
      life.reduce((sum, point) => sum + of(point), 0) / Math.max(1, life.length);
    const [mx, my] = [mean(({ x }) => x), mean(({ y }) => y)];
    for (const { x, y } of life) {
      above += (x - mx) * (y - my);
      below += (x - mx) ** 2;
    }
  }
  return {
    slope: all.length < 3 || below === 0 ? null : above / below,
    first: all[0]?.y ?? 0,
    last: all.at(-1)?.y ?? 0,
    most: all.reduce((most, { y }) => Math.max(most, y), 0),
    points: all.length,
  };
}

/** @param of what is looked at, in bytes */
export const pointsOf = (samples: readonly Sample[], of: (sample: Sample) => number): Point[] =>
  samples.map((sample) => ({ x: sample.at / 3_600_000, y: of(sample) / 2 ** 20 }));
