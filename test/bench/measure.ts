/* What all figures of the bench have in common: taken in turns with what they are compared with, told as medians. */

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Milliseconds that some work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Something that is measured beside what it is compared with. Each may prepare itself outside of the measured time. */
export interface Case {
  name: string;
  work: () => Promise<unknown>;
  floor: () => Promise<unknown>;
  /** Waits until nothing of the work goes on. */
  after?: () => Promise<unknown>;
  /** What the floor is, for the table. */
  beside: string;
}

export interface Figure {
  name: string;
  /** Milliseconds, the median. */
  took: number;
  floor: number;
  beside: string;
}

/** Measures cases in turns, so that a slow moment of the machine slows a case and its floor alike. */
export async function inTurns(rounds: number, cases: readonly Case[]): Promise<Figure[]> {
  const got = cases.map(() => ({ took: [] as number[], floor: [] as number[] }));
  for (let round = 0; round < rounds; round += 1)
    for (const [at, { work, floor, after }] of cases.entries()) {
      got[at]?.floor.push(await timed(floor));
      got[at]?.took.push(await timed(work));
      await after?.();
    }
  return cases.map(({ name, beside }, at) => ({
    ...{ name, beside },
    took: median(got[at]?.took ?? []),
    floor: median(got[at]?.floor ?? []),
  }));
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const times = (value: number): string => `${value.toFixed(1)}x`;

/** A table in Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Figures beside their floors. */
export const figuresTable = (figures: readonly Figure[]): string =>
  tableOf(
    ['what', 'median', 'beside', 'its median', 'ratio'],
    figures.map(({ name, took, beside, floor }) => [
      ...[name, ms(took), beside, ms(floor)],
      times(took / floor),
    ]),
  );
