import { expect, test } from 'vitest';
import { statusLook } from '../../../src/editor/statusLook.ts';

const running = { name: 'running', host: { port: 9325 } } as const;

test('the status bar tells state, port and how many drafts wait', () => {
  expect(statusLook(running, 0).text).toBe('$(shield) GIMO 9325');
  expect(statusLook(running, 2)).toMatchObject({
    text: '$(shield) GIMO 9325 $(bell-dot) 2',
    spoken: 'GIMO, the server listens on port 9325, 2 drafts wait for you',
  });
  expect(statusLook(running, 1).tooltip).toContain('1 draft waits for you');
  expect(statusLook({ name: 'stopped' }, 2).text).toBe('$(circle-slash) GIMO stopped');
});

test('only a server that failed stands out', () => {
  for (const name of ['starting', 'stopped', 'failed'] as const)
    expect(statusLook({ name }, 3).failed).toBe(name === 'failed');
  expect(statusLook(running, 3).failed).toBe(false);
});
