import { expect, test } from 'vitest';
import type { LockLevel } from '../../../src/contract/rows/security.ts';
import { type StatusState, statusLook, type Waiting } from '../../../src/editor/statusLook.ts';

const running = { name: 'running', host: { port: 9325, attached: false } } as const;

const drafts = (count: number) => ({ drafts: count, gates: 0, requests: 0 });
const look = (state: StatusState, waiting: Waiting, lock: LockLevel | null = 'open') =>
  statusLook(state, waiting, lock);

test('the status bar tells state, port and how much waits', () => {
  expect(look(running, drafts(0)).text).toBe('$(shield) GIMO 9325');
  expect(look(running, drafts(2))).toMatchObject({
    text: '$(shield) GIMO 9325 $(bell-dot) 2',
    spoken: 'GIMO, the server listens on port 9325, 2 drafts wait for you',
  });
  expect(look(running, drafts(1)).tooltip).toContain('1 draft waits for you');
  expect(look({ name: 'stopped' }, drafts(2)).text).toBe('$(circle-slash) GIMO stopped');
});

test('a folder that is not trusted says why it has no server', () => {
  const seen = look({ name: 'untrusted' }, drafts(2));
  expect(seen.text).toBe('$(workspace-untrusted) GIMO untrusted');
  expect(seen.spoken).toBe('GIMO, no server, as this folder is not trusted');
});

test('only a server that failed stands out', () => {
  for (const name of ['starting', 'stopped', 'failed'] as const)
    expect(look({ name }, drafts(3)).failed).toBe(name === 'failed');
  expect(look(running, drafts(3)).failed).toBe(false);
});

test('drafts and gates are counted together, and told apart in words', () => {
  const seen = look(running, { drafts: 2, gates: 1, requests: 0 });
  expect(seen.text).toBe('$(shield) GIMO 9325 $(bell-dot) 3');
  expect(seen.tooltip).toContain('; 2 drafts and 1 gate wait for you.');
  expect(look(running, { drafts: 0, gates: 1, requests: 0 }).spoken).toMatch(
    /, 1 gate waits for you$/,
  );
});

test('a window that is attached to the server of another says so', () => {
  const seen = look({ name: 'running', host: { port: 9325, attached: true } }, drafts(1));
  expect(seen.text).toBe('$(plug) GIMO 9325 $(bell-dot) 1');
  expect(seen.spoken).toContain('attached to the server of another window, on port 9325');
});

test('what clients ask for counts as well, where no draft and no run stands for it', () => {
  const seen = look(running, { drafts: 1, gates: 0, requests: 1 });
  expect(seen.text).toBe('$(shield) GIMO 9325 $(bell-dot) 2');
  expect(seen.spoken).toMatch(/1 draft and 1 request wait for you$/);
});

test('a lockdown is told, and stands out where nothing new is done', () => {
  const all = look(running, drafts(1), 'all');
  expect(all).toMatchObject({ locked: true, failed: false });
  expect(all.text).toBe('$(lock) GIMO 9325 locked down $(bell-dot) 1');
  expect(all.spoken).toContain('locked down, so nothing new starts until you resolve it');
  const strangers = look(running, drafts(0), 'strangers');
  expect(strangers).toMatchObject({ locked: false, text: '$(shield) GIMO 9325' });
  expect(strangers.tooltip).toContain('callers without a valid token are turned away');
  expect(look({ name: 'stopped' }, drafts(0), 'all')).toMatchObject({ locked: false });
  for (const lock of ['open', null] as const)
    expect(look(running, drafts(0), lock).tooltip).not.toMatch(/lock|turned away/);
});
