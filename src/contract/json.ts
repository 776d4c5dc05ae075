import type { Issue } from './errors.ts';

/** How deep a body may nest. Deeper input could overflow the stack of whatever walks it next. */
export const maxDepth = 64;

/** An object or array that is still to be looked at, and the way to it. */
interface Open {
  value: object;
  depth: number;
  key: string | number;
  up: Open | null;
}

type Add = (up: Open | null, key: string | number | null, type: string, msg: string) => void;

/**
 * Looks for what JSON can carry but no record may hold: lone surrogates (RFC 8785 has no form for them), null
 * characters, numbers that are not finite, a `__proto__` key, nesting beyond {@link maxDepth}. Walks without recursion,
 * and makes nothing for a value in which all is well: a body of 1 MiB may hold half a million of them.
 *
 * @param value parsed JSON
 * @returns the first things found (at most ten), with `loc` relative to `value`; empty when all is well
 */
export function jsonIssues(value: unknown): Issue[] {
  const issues: Issue[] = [];
  const add: Add = (up, key, type, msg) => issues.push({ type, loc: locOf(up, key), msg });
  const open: Open[] = [];
  look(value, null, '', open, add);
  for (let item = open.pop(); item !== undefined && issues.length < 10; item = open.pop()) {
    if (item.depth >= maxDepth) {
      add(item, null, 'too_deep', `Nests deeper than ${maxDepth} levels.`);
    } else if (Array.isArray(item.value)) {
      const list: readonly unknown[] = item.value;
      for (let at = 0; at < list.length && issues.length < 10; at += 1)
        look(list[at], item, at, open, add);
    } else {
      for (const [key, inner] of Object.entries(item.value)) {
        if (issues.length >= 10) break;
        if (key === '__proto__')
          add(item, null, 'key_refused', 'A key named __proto__ is not accepted.');
        else if (!key.isWellFormed())
          add(item, null, 'string_not_unicode', 'A key holds half of a surrogate pair.');
        else look(inner, item, key, open, add);
      }
    }
  }
  return issues;
}

function look(value: unknown, up: Open | null, key: string | number, open: Open[], add: Add) {
  const at = up === null ? null : key;
  if (typeof value === 'string') {
    if (!value.isWellFormed())
      add(up, at, 'string_not_unicode', 'The text holds half of a surrogate pair.');
    else if (value.includes('\0')) add(up, at, 'string_null', 'The text holds a null character.');
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) add(up, at, 'number_not_finite', 'A number must be finite.');
  } else if (typeof value === 'object' && value !== null)
    open.push({ value, key, up, depth: up === null ? 0 : up.depth + 1 });
}

/** The way to a value from the root; at most its first eight parts. */
function locOf(up: Open | null, key: string | number | null): (string | number)[] {
  const loc = key === null ? [] : [key];
  for (let item = up; item !== null && item.up !== null; item = item.up) loc.push(item.key);
  return loc.reverse().slice(0, 8);
}
