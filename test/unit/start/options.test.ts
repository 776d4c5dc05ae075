import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const script = path.join(import.meta.dirname, '../../../scripts/start.mjs');

test('npm start says which options there are to whoever gives another', () => {
  const { status, stderr } = spawnSync(process.execPath, [script, '--no-open'], {
    encoding: 'utf8',
  });
  expect(stderr).toContain("'--no-open'");
  expect(stderr).toContain('-- --browser, -- --terminal and -- --dir DIR');
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(2);
});
