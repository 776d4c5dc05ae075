import type { Command } from 'commander';
import { GimoError } from '../../contract/errors.ts';
import type { Args, Out } from '../../contract/operations.ts';
import type { DraftRecord, ResolvedProvider } from '../../contract/records.ts';
import { demandYes, mustAsk, onTerminal } from '../ask.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { fileChanges, showFileChanges } from '../file-changes.ts';
import { example } from '../help.ts';
import type { Output } from '../output.ts';
import { showDraft, showWarnings } from '../render.ts';

interface Options {
  run?: boolean;
  yes?: boolean;
  digest?: string;
}

/** `gimo approve` */
export function addApprove(program: Command, run: Run): void {
  program
    .command('approve')
    .description('show a draft whole and, after a yes, approve exactly that')
    .argument('<id>', 'id of the draft')
    .option('--run', 'run it once it is approved')
    .option('--yes', 'do not ask')
    .option('--digest <digest>', 'approve only what has this digest')
    .addHelpText(
      'after',
      example(
        'approve d_1795403040476_dfbc34 --run',
        'Without a terminal to ask on, it needs --yes or --digest. It ends with 0 only if the draft was approved, or the person in the editor was asked.',
      ),
    )
    .action((id: string, options: Options) => run((session) => approve(session, id, options)));
}

async function approve(session: Session, id: string, options: Options): Promise<number> {
  const given = options.yes === true || (options.digest !== undefined && !onTerminal(session));
  const ask = mustAsk(session, given, 'Give --yes, or --digest with the digest of what you read.');
  const connection = await session.connect();
  const draft = await connection.client.call('getDraft', { draft_id: id });
  const shown = session.json ? session.err : session.out;
  if (!session.json || ask) {
    showDraft(shown, draft);
    if (draft.provider_resolved !== null) showProvider(shown, draft.provider_resolved);
    showFileChanges(shown, await fileChanges(session.root, draft.steps));
  }
  const digest = digestOf(draft, options.digest);
  if (!session.json || ask) {
    await showReview(shown, connection, draft);
    if (options.run !== true) await tellAutoRun(shown, connection);
  }
  if (ask)
    await demandYes(session, {
      text: 'Approve exactly this?',
      otherwise: 'Nothing was approved.',
    });
  const answer = await send(connection, {
    draft_id: draft.id,
    digest,
    ...(options.run === true ? { auto_run: true } : {}),
  });
  if (session.json) session.out.json(answer);
  return tellApproved(session, answer, id);
}

/* Whole, as the digest names it: what is approved is also where it is sent. */
function showProvider(shown: Output, { name, type, model, origin }: ResolvedProvider): void {
  const where = origin === null ? '' : ` at ${origin}`;
  shown.field('will ask', `${name} (${type}, ${model || 'its default model'})${where}`);
}

/* What the server sees in the workspace as it is now, for exactly the draft that was shown. */
async function showReview(shown: Output, { client }: Connection, draft: DraftRecord) {
  const { digest, warnings } = await client.call('reviewDraft', { draft_id: draft.id });
  if (digest !== draft.digest) throw changed(draft.id);
  showWarnings(shown, warnings);
}

async function tellAutoRun(shown: Output, { client }: Connection) {
  const { default_auto_run } = await client.call('getConfig', {});
  if (default_auto_run)
    shown.field('then', 'it runs at once: default_auto_run is set in the configuration', 'yellow');
}

/** The digest to approve: that of the draft which was shown, and it must be the one that was asked for. */
function digestOf(draft: DraftRecord, wanted: string | undefined): string {
  if (draft.status !== 'draft')
    throw new CliError('refused', `${draft.id} is ${draft.status} and can no longer be approved.`);
  if (draft.digest === null)
    throw new CliError(
      'refused',
      `${draft.id} has no digest, so a yes would name nothing; nothing was approved.`,
    );
  if (wanted !== undefined && wanted !== draft.digest) throw changed(draft.id);
  return draft.digest;
}

const changed = (id: string, cause?: unknown) =>
  new GimoError(
    'stale',
    `${id} changed meanwhile; nothing was approved. Look at it again with: gimo approve ${id}`,
    { cause },
  );

async function send({ client }: Connection, args: Args['approveDraft']) {
  try {
    return await client.call('approveDraft', args);
  } catch (error) {
    if (!GimoError.is(error, 'stale')) throw error;
    throw changed(args.draft_id, error);
  }
}

function tellApproved(session: Session, answer: Out['approveDraft'], id: string): number {
  if ('pending' in answer) {
    if (!session.json)
      session.out.line(
        `Asked in the editor; nothing is approved yet. Watch it with: gimo draft show ${id}`,
      );
    return exitCodes.ok;
  }
  const { approved, run, run_error } = answer;
  if (!session.json) {
    session.out.line(`Approved ${id} as ${approved.id}.`);
    if (run !== null)
      session.out.line(`Run ${run.id} is ${run.status}. Follow it with: gimo logs ${run.id} -f`);
  }
  if (run_error === undefined) return exitCodes.ok;
  session.err.line(`It was approved, but no run could be made: ${run_error}`);
  return exitCodes.refused;
}
