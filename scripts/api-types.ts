import { z } from 'zod';

/* JSON Schema in the words of the API reference. */

const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  $ref: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  default: z.unknown().optional(),
});

/** A field of an object, told in a row of a table. */
export interface Field {
  name: string;
  type: string;
  required: boolean;
  says: string;
  /** What holds where it is left out. */
  usual: unknown;
}

const listed = (values: readonly unknown[]) => values.map((one) => `\`${String(one)}\``).join(', ');
const range = (unit: string, least?: number, most?: number): string => {
  if (least !== undefined && most !== undefined)
    return ` (${least.toLocaleString('en')} to ${most.toLocaleString('en')}${unit})`;
  if (least !== undefined && least > 0) return ` (from ${least.toLocaleString('en')}${unit})`;
  return most === undefined ? '' : ` (at most ${most.toLocaleString('en')}${unit})`;
};

/** A type in a few words, with links to what has a name. */
export function typeOf(value: unknown): string {
  const schema = Schema.parse(value);
  if (schema.$ref !== undefined) return linkTo(schema.$ref.split('/').at(-1) ?? '');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return listed(schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return [...new Set(either.map(typeOf))].join(' or ');
  if (schema.type === 'array')
    return `array of ${typeOf(schema.items ?? {})}${range('', schema.minItems, schema.maxItems)}`;
  if (schema.type === 'object') return objectType(schema);
  if (schema.type === 'string') return stringType(schema);
  if (schema.type === undefined) return 'any';
  const { type, minimum, maximum } = schema;
  return `${[type].flat().join(' or ')}${range('', minimum, maximum)}`;
}

export const linkTo = (name: string): string => `[${name}](#${name.toLowerCase()})`;

function objectType(schema: z.infer<typeof Schema>): string {
  const names = Object.keys(schema.properties ?? {});
  if (names.length > 0) return `object with ${listed(names)}`;
  const { additionalProperties: inner } = schema;
  if (typeof inner !== 'object' || inner === null || Object.keys(inner).length === 0)
    return 'object';
  return `object of ${typeOf(inner)}`;
}

function stringType({ pattern, format, minLength, maxLength }: z.infer<typeof Schema>): string {
  if (pattern === '^[0-9a-f]{64}$') return '64 hex digits';
  if (format === 'date-time') return 'instant, ISO 8601';
  if (minLength === 1 && maxLength === undefined) return 'string, not empty';
  return `string${range(' characters', minLength, maxLength)}`;
}

/** The fields of an object schema; none of anything else. */
export function fieldsOf(value: unknown): Field[] {
  const { properties = {}, required = [] } = Schema.parse(value);
  return Object.entries(properties).map(([name, inner]) => {
    const { description = '', default: usual } = Schema.parse(inner);
    return {
      name,
      type: typeOf(inner),
      required: required.includes(name),
      says: description,
      usual,
    };
  });
}

/** A cell of a Markdown table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** JSON in lines that are not much longer than `width`: what fits stands in one. */
export function prettyJson(value: unknown, width = 110, indent = ''): string {
  const flat = flatJson(value);
  if (indent.length + flat.length <= width || typeof value !== 'object' || value === null)
    return flat;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((one: unknown) => prettyJson(one, width, inner))
    : Object.entries(value).map(
        ([name, one]: [string, unknown]) =>
          `${JSON.stringify(name)}: ${prettyJson(one, width, inner)}`,
      );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
}

function flatJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(
    ([name, one]: [string, unknown]) => `${JSON.stringify(name)}: ${flatJson(one)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
