import type { Issue } from './errors.ts';

/** How deep a body may nest. Deeper input could overflow the stack of whatever walks it next. */
export const maxDepth = 64;

/**
 * Looks for what JSON can carry but no record may hold: lone surrogates (RFC 8785 has no form for them), null
 * characters, numbers that are not finite, a `__proto__` key, nesting beyond {@link maxDepth}. Walks without recursion.
 *
 * @param value parsed JSON
 * @returns the first things found (at most ten), with `loc` relative to `value`; empty when all is well
 */
export function jsonIssues(value: unknown): Issue[] {
  const issues: Issue[] = [];
  const add = (loc: readonly (string | number)[], type: string, msg: string) =>
    issues.push({ type, loc: loc.slice(0, 8), msg });
  const queue: { value: unknown; loc: (string | number)[] }[] = [{ value, loc: [] }];
  for (let item = queue.pop(); item !== undefined && issues.length < 10; item = queue.pop()) {
    const { value: found, loc } = item;
    if (typeof found === 'string') checkText(found, loc, add);
    else if (typeof found === 'number' && !Number.isFinite(found))
      add(loc, 'number_not_finite', 'A number must be finite.');
    else if (typeof found === 'object' && found !== null) {
      if (loc.length >= maxDepth) {
        add(loc, 'too_deep', `Nests deeper than ${maxDepth} levels.`);
        continue;
      }
      for (const [key, inner] of Object.entries(found)) {
        const at = [...loc, Array.isArray(found) ? Number(key) : key];
        if (key === '__proto__') add(loc, 'key_refused', 'A key named __proto__ is not accepted.');
        else if (!Array.isArray(found) && !key.isWellFormed())
          add(loc, 'string_not_unicode', 'A key holds half of a surrogate pair.');
        else queue.push({ value: inner, loc: at });
      }
    }
  }
  return issues;
}

function checkText(
  text: string,
  loc: readonly (string | number)[],
  add: (loc: readonly (string | number)[], type: string, msg: string) => void,
) {
  if (!text.isWellFormed())
    add(loc, 'string_not_unicode', 'The text holds half of a surrogate pair.');
  else if (text.includes('\0')) add(loc, 'string_null', 'The text holds a null character.');
}
