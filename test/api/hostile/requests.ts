import fc from 'fast-check';
import { placeOf } from '../../../src/contract/operation.ts';
import { type Operation, type OpId, table } from '../../../src/contract/operations.ts';
import { anyBody, contentType, header, literal, methods, words } from './values.ts';
import type { Framing, Hostile } from './wire.ts';

/* Hostile requests, put together of what is in values.ts. */

/** Values that let a request through as far as its handler, by the name of the field. */
export type Good = Readonly<Record<string, string>>;

const spellings: readonly ((text: string) => string)[] = [
  (text) => encodeURIComponent(text.toWellFormed()),
  (text) => encodeURIComponent(encodeURIComponent(text.toWellFormed())),
  (text) => text.replaceAll(/[^!-~]|[?#]/gu, ''),
  (text) =>
    Buffer.from(text)
      .toString('latin1')
      .replaceAll(/[\r\n ?#]/g, ''),
];
const spelled = fc
  .tuple(words, fc.constantFrom(...spellings))
  .map(([text, spell]) => spell(text) || '%20');

interface Parts {
  field: string;
  good: boolean;
  text: string;
  json: string;
  times: number;
}

const broken = fc.constantFrom<Framing>('chunked', 'chunked', 'garbage', 'truncated', 'cut');

/** Mostly the usual, once in a while something else. */
const seldom = <T, U>(one: fc.Arbitrary<T>, usual: U, times: number): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: times, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: one });

/** A hostile request to an operation: each of its fields, in its place, may be anything. */
export function hostileTo(id: OpId, good: Good): fc.Arbitrary<Hostile> {
  const operation: Operation = table[id];
  const fields = Object.keys(operation.input.shape);
  const part = (field: string): fc.Arbitrary<Parts> =>
    fc.record({
      ...{
        field: fc.constant(field),
        good: seldom(fc.constant(false), true, 2),
        text: spelled,
        json: literal,
      },
      times: fc.constantFrom(0, 0, 1, 1, 1, 2),
    });
  return fc
    .record({
      parts: fc.tuple(...fields.map(part)),
      whole: seldom(anyBody, null, 4),
      more: seldom(fc.tuple(spelled, spelled), null, 4),
      method: seldom(methods, operation.method.toUpperCase(), 9),
      headers: seldom(fc.array(header, { maxLength: 3 }), [], 1),
      type: contentType,
      framing: seldom(broken, 'length' as const, 4),
      bodyless: fc.boolean(),
      host: seldom(fc.constantFrom('evil.example', '', '[::1]', '127.0.0.1:1'), undefined, 30),
    })
    .map(({ parts, whole, more, method, headers, type, framing, bodyless, host }) => {
      const placed = (place: string) =>
        parts.filter(({ field }) => placeOf(operation, field) === place);
      const value = ({ field, good: sane, text }: Parts) =>
        sane && good[field] !== undefined ? encodeURIComponent(good[field]) : text;
      const path = placed('path').reduce(
        (rest, one) => rest.replace(`{${one.field}}`, () => value(one)),
        operation.path as string,
      );
      const query = placed('query')
        .flatMap((one) => Array<string>(one.times).fill(`${one.field}=${value(one)}`))
        .concat(more === null ? [] : [`${more[0]}=${more[1]}`]);
      const json = placed('body').flatMap((one) => {
        const said =
          one.good && good[one.field] !== undefined ? JSON.stringify(good[one.field]) : one.json;
        return Array<string>(one.times).fill(`${JSON.stringify(one.field)}:${said}`);
      });
      const none = bodyless && (operation.method === 'get' || json.length === 0);
      return {
        ...{ method, host, target: query.length === 0 ? path : `${path}?${query.join('&')}` },
        headers: none ? headers : [...headers, ['Content-Type', type] as const],
        body: none ? '' : (whole ?? `{${json.join(',')}}`),
        framing: none ? ('none' as const) : framing,
      };
    });
}

/** A hostile request to no operation: the raw routes, and addresses where there is nothing. */
export const hostileToAnything: fc.Arbitrary<Hostile> = fc
  .record({
    base: fc.constantFrom(
      ...['/', '/health', '/health?challenge=', '/ops/events', '/ops/events?', '/ops', '/ui/', '*'],
      ...[
        '//',
        'http://evil.example/status',
        'http://[',
        'status',
        '/ops/drafts/',
        '/%2e%2e/',
        '?',
      ],
      ...[
        '/mcp',
        '/ops/openapi.json',
        '/ops/drafts/../../',
        '/STATUS',
        '/status/',
        '/status%2f',
        '',
      ],
    ),
    text: fc.option(spelled, { nil: '' }),
    method: fc.oneof(fc.constant('GET'), fc.constant('POST'), methods),
    headers: fc.array(header, { maxLength: 4 }),
    body: anyBody,
    framing: fc.constantFrom<Framing>('none', 'none', 'length', 'garbage', 'truncated', 'cut'),
  })
  .map(({ base, text, framing, body, ...rest }) => ({
    ...rest,
    ...{ framing, target: `${base}${text}`, body: framing === 'none' ? '' : body },
  }));
