import { GimoError } from '../../contract/errors.ts';
import type { RunRecord } from '../../contract/records.ts';
import type { Served } from '../../http/served.ts';
import type { lmToolIds } from '../ids.ts';

/*
 * What the language-model tools do; loaded with the first call of one. They look, and propose: none approves, decides or
 * sets anything.
 */

/** How many records are listed, and how many lines of a log are shown. */
const most = { records: 20, lines: 60 } as const;
/** Characters of a text that a confirmation or an answer shows. */
const shown = 2000;

/** What a tool does with what the model gave. */
export interface LmTool {
  /** What is about to happen, in words: while it happens, as a question, and what the question is about. */
  says(input: unknown): { doing: string; question: string; about: string };
  invoke(host: Served, input: unknown): Promise<string>;
}

export const lmTools: Record<keyof typeof lmToolIds, LmTool> = {
  listDrafts: {
    says: () => ({
      doing: 'Listing GIMO drafts',
      question: 'List GIMO drafts?',
      about: 'The model gets to see the prompts of the newest drafts, and what became of them.',
    }),
    async invoke({ client }) {
      const drafts = await client.call('listDrafts', { view: 'summary', limit: most.records });
      if (drafts.length === 0) return 'There are no drafts.';
      return drafts
        .map(({ id, status, created_at, prompt }) =>
          [id, status, created_at, JSON.stringify(prompt)].join('  '),
        )
        .join('\n');
    },
  },
  proposeDraft: {
    says: (input) => ({
      doing: 'Proposing a GIMO draft',
      question: 'Propose this to GIMO?',
      about: `${cut(textOf(input, 'prompt') ?? '')}\n\nIt becomes a draft. Nothing of it happens before you approve it.`,
    }),
    async invoke({ client }, input) {
      const prompt = textOf(input, 'prompt');
      if (prompt === null)
        throw new GimoError('validation_error', 'A draft needs a prompt: say what should be done.');
      const draft = await client.call('createDraft', {
        prompt,
        content: textOf(input, 'content'),
        // Whoever reviews it should know that no person wrote it.
        context: { proposed_by: 'a language model, in a chat of the editor' },
      });
      return `The draft ${draft.id} waits for a person, who approves or rejects it in GIMO.`;
    },
  },
  lookAtRun: {
    says: (input) => ({
      doing: 'Looking at GIMO runs',
      question: 'Look at GIMO runs?',
      about: `The model gets to see ${textOf(input, 'run_id') ?? 'the newest runs'}, with steps and the end of the log.`,
    }),
    async invoke({ client }, input) {
      const id = textOf(input, 'run_id');
      if (id !== null) return runText(await client.call('getRun', { run_id: id }));
      const runs = await client.call('listRuns', { view: 'summary', limit: most.records });
      if (runs.length === 0) return 'Nothing has run yet.';
      return runs.map((run) => [run.id, run.status, run.created_at].join('  ')).join('\n');
    },
  },
};

/**
 * Carries out a tool call. What GIMO refuses tells its code too, as it does everywhere.
 *
 * @throws GimoError what the server refuses
 */
export async function invokeLmTool(
  name: keyof typeof lmToolIds,
  host: Served,
  input: unknown,
): Promise<string> {
  try {
    return await lmTools[name].invoke(host, input);
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    throw new GimoError(error.code, `${error.message}\ncode: ${error.code}`, { cause: error });
  }
}

function runText({ id, status, error, steps, log }: RunRecord): string {
  const from = Math.max(0, log.length - most.lines);
  return [
    `The run ${id} is ${status}.${error === null ? '' : ` ${error}`}`,
    ...(steps ?? []).map((step) => `step ${step.id} (${step.kind}): ${step.status}`),
    from === 0 ? 'Its log:' : `The end of its log, without the first ${from} lines:`,
    ...log.slice(from).map(({ ts, level, msg }) => `${ts} ${level} ${cut(msg)}`),
  ].join('\n');
}

const cut = (text: string) => (text.length <= shown ? text : `${text.slice(0, shown)}…`);

/** A field of what a model gave, if it is text with something in it. */
function textOf(input: unknown, name: string): string | null {
  const value: unknown = Object(input)[name];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
