import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { nextStep } from '../../contract/steps.ts';
import { hasCode } from '../../core/system-error.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { showRun } from '../render.ts';

/** `gimo cancel`, `pause`, `resume` and `undo`: what a person does to a run that there is. */
export function addSteer(program: Command, run: Run): void {
  const command = (
    name: string,
    does: string,
    job: (session: Session, id: string) => Promise<number>,
    says?: string,
  ) =>
    program
      .command(name)
      .description(does)
      .argument('<run-id>', 'id of the run')
      .addHelpText('after', example(`${name} r_1795403041827_bd91d9`, says))
      .action((id: string) => run((session) => job(session, id)));
  command('cancel', 'stop a run', (session, id) => steer(session, id, 'cancelRun'));
  command('pause', 'hold a run before its next step', (session, id) =>
    steer(session, id, 'pauseRun'),
  );
  command(
    'resume',
    'let a paused run go on, also past a gate',
    resume,
    'A gate of a run with effects may have to be passed in the editor; then the person there is asked.',
  );
  command(
    'undo',
    'put back the files that a run changed',
    undo,
    'Files that are no longer as the run left them are left alone. It ends with 0 only if all were put back.',
  );
}

async function steer(session: Session, id: string, operation: 'cancelRun' | 'pauseRun') {
  const { client } = await session.connect();
  const run = await client.call(operation, { run_id: id });
  if (session.json) session.out.json(run);
  else showRun(session.out, run);
  return exitCodes.ok;
}

async function resume(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  // From where it is now, and not from a gate that it gets to meanwhile.
  const { steps } = await client.call('getRun', { run_id: id });
  const answer = await client.call('resumeRun', { run_id: id, step: nextStep(steps)?.id });
  if (session.json) session.out.json(answer);
  else if ('pending' in answer)
    session.out.line(
      `Asked in the editor; the run is paused until then. Watch it with: gimo logs ${id} -f`,
    );
  else showRun(session.out, answer);
  return exitCodes.ok;
}

async function undo(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  const undone = await client.call('undoRun', { run_id: id });
  const { restored, left } = undone;
  if (session.json) session.out.json(undone);
  else {
    for (const path of restored)
      session.out.field((await isThere(session, path)) ? 'restored' : 'removed', path, 'green');
    for (const { path, why } of left) session.out.field('left', `${path}: ${why}`, 'yellow');
    if (restored.length + left.length === 0) session.out.line('There was nothing to put back.');
  }
  return left.length === 0 ? exitCodes.ok : exitCodes.refused;
}

/** Whether a file of the workspace is there. Put back as it was, one that the run had made is not. */
async function isThere({ root }: Session, path: string): Promise<boolean> {
  try {
    await lstat(join(root, path));
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
