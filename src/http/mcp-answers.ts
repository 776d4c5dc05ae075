import type { CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { GimoError } from '../contract/errors.ts';
import { type OpId, table } from '../contract/operations.ts';
import type { Caller, Gate } from '../core/dispatch.ts';
import { fitRecord, fitText, fitting } from './fit.ts';
import { type GimoTool, isList, longFields, usualPage } from './mcp-tools.ts';

/* What a tool answers: short, and where something is left out, with a word on how to get at it. */

/** The most that a tool answers, in characters: about ten thousand tokens of a model's memory. */
const most = 40_000;
/** How much of a prompt stands in the handle of a record, in characters. */
const shownPrompt = 200;

const Fields = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof Fields>;

/** Carries out a tool call through the gate. Throws what the gate throws. */
export async function answerTool(
  { id }: GimoTool,
  args: Readonly<Record<string, unknown>>,
  gate: Pick<Gate, 'dispatch'>,
  caller: Caller,
): Promise<CallToolResult> {
  if (isList(id)) return pageOf(id, { ...usualPage, ...args }, gate, caller);
  if (id === 'getRunLog') return logOf(args, gate, caller);
  const { body } = await gate.dispatch(id, args, caller);
  if (typeof body === 'string')
    return { content: [text(fitText(body, most, (lines) => readOn(id, args, lines)))] };
  const record = Fields.parse(body);
  if (table[id].effect !== 'read') return structured(handleOf(record), next[id]);
  const shown = fitRecord(record, most);
  return structured(Fields.parse(shown), shown === record ? undefined : leftOut(id));
}

/** A refusal as the answer of a tool: a model can read it, and do better. */
export function refusalOf(error: GimoError, correlationId: string): CallToolResult {
  // Where in an HTTP request a field would stand says nothing here.
  const issues = (error.issues ?? []).map(
    ({ loc, msg }) => `- ${loc.slice(1).join('.') || 'arguments'}: ${msg}`,
  );
  const wait = error.retryAfter === undefined ? [] : [`retry_after: ${error.retryAfter}`];
  const lines = [
    error.message,
    ...issues,
    `code: ${error.code}`,
    ...wait,
    `correlation_id: ${correlationId}`,
  ];
  return { isError: true, content: [text(lines.join('\n'))] };
}

const text = (said: string) => ({ type: 'text' as const, text: said });

/** The same as JSON text, for clients that read no structured content. */
const structured = (value: Fields, hint?: string): CallToolResult => ({
  content: [text(JSON.stringify(value)), ...(hint === undefined ? [] : [text(hint)])],
  structuredContent: value,
});

const next: Partial<Record<OpId, string>> = {
  createDraft:
    'A person decides about this draft in GIMO; no tool can. get_draft tells what became of it.',
  generateDraft:
    'get_draft reads what was proposed. A person decides about it in GIMO; no tool can.',
  createRun: 'The run goes on by itself. get_run_log tells what happens, until done is true.',
  cancelRun: 'get_run tells when its work has really stopped.',
};

function leftOut(id: OpId): string {
  const how =
    id === 'getRun'
      ? 'get_run_log reads its log a part at a time'
      : `GET ${table[id].path} of the HTTP API answers the whole of it`;
  return `Long parts of this are left out: ${how}.`;
}

function readOn(id: OpId, args: Readonly<Record<string, unknown>>, lines: number): string {
  if (id !== 'readFile') return 'ask for a smaller part, or for stat first';
  const { start_line: first } = table.readFile.input.parse(args);
  return `read on with start_line=${first + Math.max(1, lines)}`;
}

/** As many records of a page as fit, with the cursor that goes with them. */
async function pageOf(
  id: OpId,
  asked: Readonly<Record<string, unknown>>,
  { dispatch }: Pick<Gate, 'dispatch'>,
  caller: Caller,
): Promise<CallToolResult> {
  const whole = await dispatch(id, asked, caller);
  const fit = Array.isArray(whole.body) ? fitting(whole.body, most) : 0;
  const cut = Array.isArray(whole.body) && fit < whole.body.length;
  const { body, page } = cut ? await dispatch(id, { ...asked, limit: fit }, caller) : whole;
  const items = fitRecord(body, most);
  const cursor = page?.next ?? null;
  return structured(
    { items, total: page?.total ?? null, next_cursor: cursor },
    cursor === null ? undefined : 'There are more: call again with cursor set to next_cursor.',
  );
}

/** As many entries of a log as fit, and from where to read on. */
async function logOf(
  args: Readonly<Record<string, unknown>>,
  { dispatch }: Pick<Gate, 'dispatch'>,
  caller: Caller,
): Promise<CallToolResult> {
  const { body } = await dispatch('getRunLog', args, caller);
  const fit = fitting(body.entries, most);
  const rest = body.entries.length - fit;
  const shown = {
    entries: fitRecord(body.entries.slice(0, fit), most),
    next: body.next - Math.max(0, rest),
    done: body.done && rest <= 0,
  };
  return structured(shown, rest > 0 ? `The log goes on: ask with after=${shown.next}.` : undefined);
}

/** What names a record and tells its state, without what the caller has sent or can read. */
function handleOf(record: Fields): Fields {
  const kept = Object.entries(record).filter(([name]) => !longFields.some((long) => long === name));
  const handle = Object.fromEntries(kept);
  const { prompt } = handle;
  if (typeof prompt !== 'string' || prompt.length <= shownPrompt) return handle;
  return { ...handle, prompt: prompt.slice(0, shownPrompt).toWellFormed(), prompt_truncated: true };
}
