import { GimoError } from '../contract/errors.ts';
import type { RepoFacts } from '../core/repo-ports.ts';
import type { ModelAnswer, ModelRequest } from '../core/work.ts';
import { providerError } from './failures.ts';

/** How an execution request begins (DESIGN, section 5). */
const executionStart = 'Execute the following approved operation:';
const mostLines = 12;
const mostWords = 12;

// Words that stand in nearly every request and so say nothing about the repository.
const common = new Set(
  (
    'about add after all also and any are approved but can change code could does each every execute file files fix ' +
    'following for from get has have how into its like make must new not now operation our out please project result ' +
    'should some that the their them then there these they this use was were what when where which who why will ' +
    'with would you your'
  ).split(' '),
);

/**
 * The words of a request that are worth looking for in the repository: lower case, each once, in their order,
 * at most twelve.
 */
export function searchWords(text: string): string[] {
  const found = text.toLowerCase().match(/[\p{L}\p{N}_]{3,40}/gu) ?? [];
  const words = new Set(found.filter((word) => !common.has(word) && !/^\d+$/.test(word)));
  return [...words].slice(0, mostWords);
}

/**
 * Answers without a model: a plan to fill in, made of facts of the repository. The same request and the same files
 * give the same text. A client's request gets no facts, as a weak token may not read the repository through it.
 *
 * @throws GimoError `provider_error` if the repository cannot be read; the signal's reason when aborted
 */
export async function answerOffline(facts: RepoFacts, request: ModelRequest): Promise<ModelAnswer> {
  request.signal.throwIfAborted();
  const executing = request.text.startsWith(executionStart);
  const subject = executing ? approvedPrompt(request.text) : request.text;
  const known =
    request.audience === 'person' ? await factsAbout(facts, subject, request.signal) : withheld;
  const parts = executing ? recordOf(subject, known) : planFor(subject, known);
  for (const part of parts) {
    request.signal.throwIfAborted();
    request.onText?.(part);
  }
  return { text: parts.join(''), usage: null };
}

/** The prompt of an execution request; the whole of it if it has another form. */
function approvedPrompt(text: string): string {
  const found =
    /--- PROMPT ---\n+([\s\S]*?)(?:\n+--- CONTENT ---\n|\n+Provide the execution result\.)/;
  return found.exec(text)?.[1] ?? text.slice(executionStart.length);
}

interface Facts {
  summary: string;
  lines: string;
}

const withheld: Facts = {
  summary:
    'No facts of the repository were used, because a client asked, and clients read it only through the allowlist.\n',
  lines: '',
};

async function factsAbout(facts: RepoFacts, subject: string, signal: AbortSignal): Promise<Facts> {
  const words = searchWords(subject);
  try {
    const { branch, changed, files } = await facts.overview();
    signal.throwIfAborted();
    const lines = words.length === 0 ? [] : await facts.matches(words, mostLines, signal);
    return {
      summary:
        `- Branch: ${branch === null ? 'none (not on a branch)' : code(branch)}\n` +
        `- Changed files: ${changed}\n- Files to read: ${files}\n`,
      lines: linesOf(words, lines),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (GimoError.is(error)) throw providerError(error.message);
    throw error;
  }
}

function linesOf(
  words: readonly string[],
  lines: readonly { file: string; line: number; content: string }[],
): string {
  if (words.length === 0) return 'The request holds no word to look for.\n';
  const asked = words.map(code).join(', ');
  if (lines.length === 0) return `No line holds any of: ${asked}.\n`;
  const shown = lines.map(
    ({ file, line, content }) => `- ${code(`${file}:${line}`)}\n\n      ${content}\n`,
  );
  return `Looked for: ${asked}.\n\n${shown.join('')}`;
}

/** Inline code that its own content cannot end. */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}

const quoted = (text: string): string =>
  text
    .trim()
    .split(/\r\n|\r|\n/)
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');

function planFor(subject: string, { summary, lines }: Facts): string[] {
  const parts = [
    '# Plan to fill in\n\nNo model was asked: this was made offline, from facts alone. Fill it in, or choose a model and ' +
      `generate again.\n\n## Request\n\n${quoted(subject)}\n\n`,
    `## The repository\n\n${summary}\n`,
  ];
  if (lines !== '') parts.push(`## Lines that match\n\n${lines}\n`);
  parts.push(
    '## Steps\n\n1. What is to change, and in which file:\n2. How it will be tested:\n3. What could go wrong, and how to undo it:\n',
  );
  return parts;
}

function recordOf(subject: string, { summary, lines }: Facts): string[] {
  const parts = [
    '# Recorded\n\nNo model was asked, so nothing was done besides recording that this was approved. Choose a model, or ' +
      `give the draft steps, to have work carried out.\n\n## What was approved\n\n${quoted(subject)}\n\n`,
    `## The repository\n\n${summary}`,
  ];
  if (lines !== '') parts.push(`\n## Lines that match\n\n${lines}`);
  return parts;
}
