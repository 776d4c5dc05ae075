import { defineConfig } from 'vitest/config';

const seconds = 1000;

/** One project a level, so that each can run alone: `vitest run --project unit`. */
const level = (name: string, timeout: number, more: object = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    retry: 0,
    ...more,
  },
});

export default defineConfig({
  test: {
    projects: [
      level('unit', 30 * seconds),
      level('api', 30 * seconds),
      level('faults', 60 * seconds, { globalSetup: ['test/faults/setup.ts'] }),
      // One workbench is shared by all files: starting it costs more than the tests.
      level('e2e', 180 * seconds, {
        fileParallelism: false,
        globalSetup: ['test/e2e/setup.ts'],
      }),
    ],
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
