import { expect, it } from 'vitest';
import { isDenied } from '../../../src/repo/denied.ts';

it.each([
  '.git',
  '.git/config',
  'sub/.git/HEAD',
  '.GIT/config',
  '.orch_data/ops/provider.json',
  'node_modules/x/index.js',
  'deep/Node_Modules/x.js',
  '.env',
  '.env.local',
  '.envrc',
  'app/.ENV.production',
  '.env/nested.txt',
  'cert.pem',
  'a/Server.PEM',
  'tls.key',
  'id_rsa',
  '.ssh/id_ed25519.pub',
  '.npmrc',
  'x/.netrc',
  'store.p12',
  'store.pfx',
  'store.jks',
  'debug.keystore',
])('is denied: %s', (path) => expect(isDenied(path)).toBe(true));

it.each([
  'README.md',
  '.gitignore',
  '.github/workflows/ci.yml',
  'src/env.ts',
  'src/keys.ts',
  'src/key',
  'src/grid_view.ts',
  'public/index.html',
  'node_modules.md',
  '.',
  '',
  './src//a.ts',
  'notes: part two.md',
])('is not denied: %j', (path) => expect(isDenied(path)).toBe(false));

it.each([
  ['a backslash separates', 'src\\.git\\config'],
  ['Windows drops trailing dots and spaces', '.git. /config'],
  ['Windows drops them from files too', 'tls.key. .'],
  ['an alternate stream is the same file', '.env::$DATA'],
  ['a stream of a folder', '.git::$INDEX_ALLOCATION/config'],
  ['a colon elsewhere is a letter', 'a:b.pem'],
  ['the short name of .git', 'GIT~1/config'],
  ['macOS ignores invisible characters', '.g\u200cit/config'],
  ['full-width letters fold', '.ｅｎｖ'],
])('a name in disguise is denied: %s', (_why, path) => expect(isDenied(path)).toBe(true));

it.each([
  '../outside',
  'a/../../b',
  '..',
  '/etc/passwd',
  '\\\\host\\share',
  'C:\\x',
  'c:x',
  'a\0b',
])('a path that is not below the repository is denied: %j', (path) =>
  expect(isDenied(path)).toBe(true),
);
