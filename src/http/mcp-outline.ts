import { z } from 'zod';
import type { Json } from '../contract/components.ts';

/*
 * What a tool answers is told in outline: names and types. A long answer is cut, so nothing is promised that a cut answer
 * would not keep: no field has to be there, none has to be of a certain form or length, and any may be null.
 */

/** How far down an outline goes; what lies below may be anything. */
const deepest = 3;

const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  description: z.string().optional(),
});

/**
 * The outline of a JSON Schema.
 * @param without fields of the topmost object that are never answered
 */
export function outlineOf(schema: Json, without: readonly string[] = []): Json {
  const outline = below(schema, 0);
  if (outline.properties === undefined) return outline;
  const fields = Object.entries(Object(outline.properties));
  return {
    ...outline,
    properties: Object.fromEntries(fields.filter(([name]) => !without.includes(name))),
  };
}

function below(value: unknown, depth: number): Json {
  const parsed = Schema.safeParse(value);
  if (!parsed.success || depth > deepest) return {};
  const { type, properties, items, description, ...schema } = parsed.data;
  const choices = schema.anyOf ?? schema.oneOf;
  const told = description === undefined ? {} : { description };
  if (choices !== undefined) {
    const kinds = choices.map((choice) => below(choice, depth));
    const open = kinds.some((kind) => Object.keys(kind).length === 0);
    return open ? told : { anyOf: kinds, ...told };
  }
  if (schema.enum !== undefined) return { enum: [...schema.enum, null], ...told };
  if (schema.const !== undefined) return { enum: [schema.const, null], ...told };
  if (type === undefined) return told;
  return {
    // The topmost thing is there in any case.
    type: depth === 0 ? type : [...new Set([type, 'null'].flat())],
    ...(properties === undefined || depth === deepest
      ? {}
      : { properties: each(properties, depth + 1) }),
    ...(items === undefined ? {} : { items: below(items, depth + 1) }),
    ...told,
  };
}

const each = (fields: Record<string, unknown>, depth: number): Json =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, below(field, depth)]));
