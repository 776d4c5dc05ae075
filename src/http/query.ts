import { z } from 'zod';
import { placeOf } from '../contract/operation.ts';
import { type Operation, type OpId, table } from '../contract/operations.ts';

type Decode = (values: readonly string[]) => unknown;

/** FastAPI reads these as booleans, in any case; so do we. */
const booleans = new Map<string, boolean>([
  ...['true', '1', 'on', 't', 'y', 'yes'].map((word) => [word, true] as const),
  ...['false', '0', 'off', 'f', 'n', 'no'].map((word) => [word, false] as const),
]);

const JsonType = z.looseObject({ type: z.string().optional() });

/**
 * How a query string's values become what a field's schema wants. What cannot be read stays text, and the schema then
 * says what it wanted.
 */
function decoderOf(schema: z.ZodType): Decode {
  const { type } = JsonType.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  if (type === 'array') return (values) => [...values];
  return (values) => {
    // A field that is given more than once counts as given last, as in the Python service.
    const text = values.at(-1) ?? '';
    if (type === 'integer' || type === 'number')
      return /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : text;
    if (type === 'boolean') return booleans.get(text.toLowerCase()) ?? text;
    return text;
  };
}

/**
 * Makes the function that gathers an operation's flat input from the parts of a request. What the path says wins over
 * the query, and the query over the body. Query values that no field asks for are ignored.
 */
export function inputReader(id: OpId) {
  const operation: Operation = table[id];
  const fields = Object.entries(operation.input.shape).filter(
    ([field]) => placeOf(operation, field) === 'query',
  );
  // Made when first asked for: for all operations together they cost a good part of a start.
  let decoders: (readonly [string, Decode])[] | undefined;
  return (query: URLSearchParams, path: Readonly<Record<string, string>>, body: unknown) => {
    decoders ??= fields.map(([field, schema]) => [field, decoderOf(asType(schema))] as const);
    const given: Record<string, unknown> = {};
    for (const [field, decode] of decoders)
      if (query.has(field)) given[field] = decode(query.getAll(field));
    const placed = { ...given, ...path };
    if (body === undefined) return placed;
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    // Something else than an object goes on as it is, and the schema refuses it.
    return isObject ? { ...body, ...placed } : body;
  };
}

function asType(schema: unknown): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  throw new TypeError('a field of the operation table is not a zod schema');
}
