import { expect, test } from 'vitest';
import { statusLook } from '../../../src/editor/statusLook.ts';

const running = { name: 'running', host: { port: 9325, attached: false } } as const;

const drafts = (count: number) => ({ drafts: count, gates: 0 });

test('the status bar tells state, port and how much waits', () => {
  expect(statusLook(running, drafts(0)).text).toBe('$(shield) GIMO 9325');
  expect(statusLook(running, drafts(2))).toMatchObject({
    text: '$(shield) GIMO 9325 $(bell-dot) 2',
    spoken: 'GIMO, the server listens on port 9325, 2 drafts wait for you',
  });
  expect(statusLook(running, drafts(1)).tooltip).toContain('1 draft waits for you');
  expect(statusLook({ name: 'stopped' }, drafts(2)).text).toBe('$(circle-slash) GIMO stopped');
});

test('only a server that failed stands out', () => {
  for (const name of ['starting', 'stopped', 'failed'] as const)
    expect(statusLook({ name }, drafts(3)).failed).toBe(name === 'failed');
  expect(statusLook(running, drafts(3)).failed).toBe(false);
});

test('drafts and gates are counted together, and told apart in words', () => {
  const look = statusLook(running, { drafts: 2, gates: 1 });
  expect(look.text).toBe('$(shield) GIMO 9325 $(bell-dot) 3');
  expect(look.tooltip).toContain('; 2 drafts and 1 gate wait for you.');
  expect(statusLook(running, { drafts: 0, gates: 1 }).spoken).toMatch(/, 1 gate waits for you$/);
});

test('a window that is attached to the server of another says so', () => {
  const look = statusLook({ name: 'running', host: { port: 9325, attached: true } }, drafts(1));
  expect(look.text).toBe('$(plug) GIMO 9325 $(bell-dot) 1');
  expect(look.spoken).toContain('attached to the server of another window, on port 9325');
});
