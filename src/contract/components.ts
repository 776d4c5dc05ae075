import { z } from 'zod';
import { ErrorBody, ErrorCodeSchema, Issue } from './errors.ts';
import { ChangeEvent } from './events.ts';
import { ApprovedListItem, Draft, DraftListItem } from './operations.ts';
import {
  Approved,
  CommandStep,
  Config,
  ConfigPatch,
  EditStep,
  GateStep,
  LogEntry,
  Plan,
  PlanTask,
  PromptStep,
  ProviderConfig,
  ProviderEntry,
  ResolvedProvider,
  RunRecord,
  RunStep,
  Step,
} from './records.ts';
import { AllowedPath } from './rows/repository.ts';
import { RunListItem } from './rows/runs.ts';
import { AuditEntry, SecurityEvent } from './rows/security.ts';
import { OutsideChange } from './rows/upkeep.ts';

/* The schemas that stand under a name of their own in the OpenAPI document, and how any schema becomes JSON Schema. */

export type Json = Record<string, unknown>;
/** Whether a schema describes what is sent to the server, or what it answers: fields with a default differ. */
export type Direction = 'input' | 'output';

const named = {
  ...{ Draft, DraftListItem, Approved, ApprovedListItem, Run: RunRecord, RunListItem },
  ...{ RunStep, LogEntry, Step, PromptStep, EditStep, CommandStep, GateStep, Plan, PlanTask },
  ...{ Config, ConfigPatch, ProviderConfig, ProviderEntry, ResolvedProvider, ChangeEvent },
  ...{ AllowedPath, AuditEntry, SecurityEvent, OutsideChange },
  ...{ ErrorBody, ErrorCode: ErrorCodeSchema, Issue },
};

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });

const prefix = '#/components/schemas/';
const Fields = z.record(z.string(), z.unknown());
const Ref = z.object({ $ref: z.string() });
const WithDefs = z.looseObject({ $defs: Fields.optional() });

/** Turns schemas into JSON Schema, and keeps the named ones that they refer to. */
export interface Schemas {
  /** @returns JSON Schema (draft 2020-12) whose references lead into `components/schemas` */
  of(schema: z.ZodType, direction: Direction): Json;
  /** Every named schema that was referred to so far, by name. */
  referred(): Json;
}

/** Makes a collector for one document. */
export function collectSchemas(): Schemas {
  const found: Json = {};
  return {
    of(schema, direction) {
      const whole = WithDefs.parse(
        z.toJSONSchema(schema, {
          ...{ io: direction, metadata: registry, target: 'draft-2020-12' },
          override: addDescription,
        }),
      );
      for (const [id, inner] of Object.entries(whole.$defs ?? {}))
        found[nameOf(id, direction)] = refer(inner, direction);
      return Fields.parse(refer(whole, direction));
    },
    referred: () =>
      Object.fromEntries(Object.entries(found).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/** What `describe` says stands in zod's own registry, beside the one of the names. */
function addDescription(at: {
  zodSchema: z.core.$ZodType;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}) {
  const description = z.globalRegistry.get(at.zodSchema)?.description;
  if (description !== undefined) at.jsonSchema.description = description;
}

/** Makes every reference one into the components, and leaves out what says nothing in such a document. */
function refer(value: unknown, direction: Direction): unknown {
  if (Array.isArray(value)) return value.map((item) => refer(item, direction));
  const fields = Fields.safeParse(value);
  if (!fields.success) return value;
  const ref = Ref.safeParse(value);
  const told = Object.entries(fields.data).filter(([key, item]) => !isNoise(key, item));
  const rest = Object.fromEntries(told.map(([key, item]) => [key, refer(item, direction)]));
  if (ref.success)
    return { $ref: prefix + nameOf(ref.data.$ref.replace('#/$defs/', ''), direction), ...rest };
  // Importers of Actions refuse an object that lists no properties, a map too.
  return rest.type === 'object' ? { properties: {}, ...rest } : rest;
}

/** What belongs to a schema that stands alone, and limits that every JSON value of the kind keeps. */
const isNoise = (key: string, value: unknown) =>
  ['$schema', '$defs', '$id', '$ref'].includes(key) ||
  (['minimum', 'maximum'].includes(key) && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) ||
  (key === 'propertyNames' && JSON.stringify(value) === '{"type":"string"}');

/** A schema has a second name for what is sent only where that is not what is answered. */
const nameOf = (id: string, direction: Direction) =>
  direction === 'input' && twofold().has(id) ? `${id}Input` : id;

/** The named schemas whose two directions differ, in themselves or in what they refer to. */
let known: ReadonlySet<string> | undefined;
function twofold(): ReadonlySet<string> {
  if (known !== undefined) return known;
  const uri = (id: string) => `<${id}>`;
  const formsOf = (io: Direction) => z.toJSONSchema(registry, { io, uri }).schemas;
  const [sent, answered] = [formsOf('input'), formsOf('output')];
  const found = new Set<string>();
  const differs = (id: string) => {
    const text = JSON.stringify(answered[id]);
    const refers = [...found].some((other) => text.includes(`"$ref":"<${other}>"`));
    return refers || JSON.stringify(sent[id]) !== text;
  };
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const id of Object.keys(named)) if (differs(id)) found.add(id);
  }
  known = found;
  return found;
}
