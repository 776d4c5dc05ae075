import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { jsonIssues } from '../contract/json.ts';
import { Context } from '../contract/records.ts';
import { CliError } from './failures.ts';

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliError('usage', `${name} is not UTF-8 text.`, { cause: error });
  }
}

/** Reads a stream to its end as UTF-8, without the one line end that a shell's `echo` adds. Throws `CliError`. */
export async function readAll(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return decode(Buffer.concat(chunks), 'The standard input').replace(/\r?\n$/, '');
}

/** Takes a prompt from the arguments, or from the standard input if it is `-`. Throws `CliError` if there is none. */
export async function readPrompt(given: string | undefined, stdin: Readable): Promise<string> {
  const prompt = given === '-' ? await readAll(stdin) : (given ?? '');
  if (prompt !== '') return prompt;
  throw new CliError(
    'usage',
    'The prompt is empty. Give it as an argument, or - to read it from the standard input.',
  );
}

/** Reads a file whole, byte for byte, as UTF-8. Throws `CliError` if it cannot be read. */
export async function readText(cwd: string, file: string): Promise<string> {
  try {
    return decode(await readFile(resolve(cwd, file)), file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') throw error;
    throw new CliError('usage', `${file} cannot be read (${code}).`, { cause: error });
  }
}

/** Parses the value of `--context`: a JSON object. */
export function parseContext(text: string): Record<string, unknown> {
  try {
    const context = Context.safeParse(JSON.parse(text));
    if (context.success) return context.data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidArgumentError('It must be a JSON object, for example {"ticket": 7}.');
}

/** Parses a whole number in a range, for an option. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/**
 * Reads a JSON file, or the standard input if it is `-`, and checks it.
 *
 * @param what names it in an error, such as `a plan`
 * @throws CliError `usage` that says what is wrong, and where
 */
export async function readJson<T>(
  { cwd, stdin }: { cwd: string; stdin: Readable },
  file: string,
  schema: z.ZodType<T>,
  what: string,
): Promise<T> {
  const text = file === '-' ? await readAll(stdin) : await readText(cwd, file);
  return fitting(
    parseJson(text, `${file === '-' ? 'The standard input' : file} is not JSON`),
    schema,
    what,
  );
}

function parseJson(text: string, problem: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new CliError('usage', `${problem}: ${cause.message}.`, { cause });
  }
}

/** Checks a value that a person gave. Throws `CliError` `usage` that says what does not fit. */
export function fitting<T>(value: unknown, schema: z.ZodType<T>, what: string): T {
  const refused = jsonIssues(value).map(({ loc, msg }) => ({ path: loc, message: msg }));
  const found = schema.safeParse(value);
  if (refused.length === 0 && found.success) return found.data;
  const issues = refused.length > 0 ? refused : (found.error?.issues ?? []);
  const told = issues.slice(0, 3).map(({ path, message }) => {
    const at = path.map(String).join('.');
    return at === '' ? message : `${at}: ${message}`;
  });
  throw new CliError('usage', `This does not fit ${what}. ${told.join('; ')}`);
}
