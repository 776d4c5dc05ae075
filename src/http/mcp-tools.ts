import { z } from 'zod';
import type { Json } from '../contract/components.ts';
import { type Operation, type OpId, opIds, table } from '../contract/operations.ts';
import { outlineOf } from './mcp-outline.ts';

/*
 * The tools of /mcp, derived from the operation table. What a model may do is a closed list: whatever a row says, there
 * is no tool that approves, rejects, resolves, or touches settings, providers and tokens (DESIGN, section 4).
 */

/** All that tools may change. */
const mutations: ReadonlySet<OpId> = new Set([
  'createDraft',
  'generateDraft',
  'createRun',
  'cancelRun',
]);

/** How many records of a list are answered where nothing else is asked for. */
const usualLimit = 20;
/** What of a record is too long to be answered by what made or changed it. */
export const longFields = ['content', 'context', 'steps', 'log'] as const;

/** An operation as a tool of the protocol. */
export interface GimoTool {
  id: OpId;
  name: string;
  title: string;
  description: string;
  inputSchema: { type: 'object' } & Json;
  /** Left out where the answer is plain text. */
  outputSchema?: { type: 'object' } & Json;
  annotations: {
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
}

/** Whether an operation may be offered as a tool: its row has to say so, and it has to be what a tool may be. */
export function mayBeTool(
  id: OpId,
  { mcp, effect, role }: Pick<Operation, 'mcp' | 'effect' | 'role'>,
): boolean {
  if (!mcp) return false;
  return effect === 'read' ? role === 'actions' : mutations.has(id);
}

/** Whether an operation answers a list, a page at a time. */
export const isList = (id: OpId): boolean => 'cursor' in table[id].input.shape;

/** What a list is asked with unless the caller says otherwise: a page that is short. */
export const usualPage = { limit: usualLimit, view: 'summary' } as const;

let known: ReadonlyMap<string, GimoTool> | undefined;

/** Every tool there is, by name. Who may call which is another question. */
export function allTools(): ReadonlyMap<string, GimoTool> {
  known ??= new Map(
    opIds.filter((id) => mayBeTool(id, table[id])).map((id) => [nameOf(id), toolOf(id)]),
  );
  return known;
}

/** The name of an operation as a tool: in snake case. */
const nameOf = (id: OpId) => id.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `listDrafts` is `List drafts`. */
function titleOf(id: OpId): string {
  const words = nameOf(id).replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function toolOf(id: OpId): GimoTool {
  const operation: Operation = table[id];
  const reads = operation.effect === 'read';
  const output = outputOf(id, operation);
  return {
    ...{ id, name: nameOf(id), title: titleOf(id), description: operation.summary },
    inputSchema: asObject(schemaOf(isList(id) ? shortPage(operation.input) : operation.input)),
    ...(output === null ? {} : { outputSchema: output }),
    annotations: {
      readOnlyHint: reads,
      // A proposal does nothing by itself; a run does, and ending one cannot be taken back.
      destructiveHint: !reads && operation.agent !== true,
      idempotentHint: reads || operation.effect === 'brake',
      // A provider is asked, or a command is run that may reach anywhere.
      openWorldHint: id === 'generateDraft' || id === 'createRun',
    },
  };
}

function shortPage(input: z.ZodObject): z.ZodObject {
  return input.extend({
    limit: z.int().min(1).max(1000).default(usualPage.limit),
    cursor: z
      .string()
      .max(200)
      .optional()
      .describe('What the page before called next_cursor, with the same filters.'),
    view: z.enum(['full', 'summary']).default(usualPage.view),
  });
}

/** What the tool answers, in outline; null for plain text. */
function outputOf(id: OpId, operation: Operation): ({ type: 'object' } & Json) | null {
  if (operation.text) return null;
  const told = outlineOf(
    schemaOf(operation.output, 'output'),
    operation.effect === 'read' ? [] : longFields,
  );
  if (!isList(id)) return asObject(told);
  return {
    type: 'object',
    properties: {
      items: told,
      total: {
        type: ['integer', 'null'],
        description: 'How many records match in all; null if they are not counted yet.',
      },
      next_cursor: { type: ['string', 'null'], description: 'Leads to the next page.' },
    },
    required: ['items', 'total', 'next_cursor'],
  };
}

/** JSON Schema, draft 2020-12: the dialect that the protocol takes where none is named. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
}

const asObject = ({ type: _type, ...rest }: Json): { type: 'object' } & Json => ({
  type: 'object',
  ...rest,
});
