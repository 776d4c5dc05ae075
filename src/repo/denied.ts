import { foldedName, withoutTail } from '../core/fold.ts';

// API.md, "What clients may read of the repository": denied whatever the allowlist says.
const folders = new Set(['.git', '.orch_data', 'node_modules', 'git~1']);
const names = /^(?:\.env.*|id_.*|\.npmrc|\.netrc|.*\.(?:pem|key|p12|pfx|jks|keystore))$/;

/**
 * Says whether a file or folder of the repository must never be read for anyone: version control, our own data,
 * dependencies, environment and key files. A rule about names alone; the caller still has to refuse symlinks and what
 * is not text. Every part of the path is held against it, since a folder named like a key file holds keys.
 *
 * Names are compared as the most forgiving file systems do: without case, without trailing dots and spaces and
 * alternate streams (Windows), without invisible characters (macOS).
 *
 * @param path relative to the repository, with either separator. One that leads out of it, or is absolute, is denied
 */
export function isDenied(path: string): boolean {
  if (path.includes('\0') || /^(?:[\\/]|[a-z]:)/i.test(path)) return true;
  return path.split(/[\\/]/).some((part) => {
    if (part === '' || part === '.') return false;
    const plain = folded(part);
    // A colon is an ordinary character elsewhere, so both readings count.
    return refused(plain) || refused(withoutTail(plain.split(':')[0] ?? ''));
  });
}

const refused = (name: string): boolean => name === '..' || folders.has(name) || names.test(name);

const folded = (part: string): string => {
  const seen = foldedName(part);
  return seen === '..' ? seen : withoutTail(seen);
};
