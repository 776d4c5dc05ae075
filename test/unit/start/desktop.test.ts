import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findCode } from '../../../scripts/start/desktop.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'gimo-code-'));
const code = path.join(dir, 'code');
writeFileSync(code, '#!/bin/sh\n');
chmodSync(code, 0o755);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('`code` is found on the PATH, if it can be run', () => {
  const PATH = `/nonexistent:${dir}`;
  expect(findCode({ PATH }, 'linux')).toBe(code);
  expect(findCode({ PATH: '/nonexistent' }, 'linux')).toBeNull();
  expect(findCode({}, 'linux')).toBeNull();
  chmodSync(code, 0o644);
  // Root may read everything, but run only what somebody may run.
  expect(findCode({ PATH }, 'linux')).toBeNull();
  chmodSync(code, 0o755);
});

test('a `code` that only speaks to another window is none', () => {
  expect(findCode({ PATH: dir, VSCODE_IPC_HOOK_CLI: '/run/x.sock' }, 'linux')).toBeNull();
  expect(findCode({ PATH: dir, WSL_DISTRO_NAME: 'Debian' }, 'linux')).toBeNull();
});
