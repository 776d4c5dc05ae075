import { asksModel } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { Approved, ApprovedRecord, Config } from '../contract/records.ts';
import type { Clock } from './clock.ts';
import { commandRefused } from './commands.ts';
import { type Consumption, spentOn } from './consumption.ts';
import type { Decisions } from './decisions.ts';
import { canonical, createDigests, sealOf } from './digest.ts';
import type { Handlers } from './handlers.ts';
import { sha256 } from './hash.ts';
import { requireId, unknownId } from './ids.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import { cutPrompt, listPage } from './lists.ts';
import type { Store } from './ports.ts';
import type { Settings } from './settings.ts';
import type { Withhold } from './withhold.ts';

/** The rules about artifacts, shared by the gate and by the worker, which asks again before the first step. */
export interface Artifacts {
  /**
   * Why no run can be made of an artifact now, or null if one can.
   * @param run asks for this one, that was made of it, whether it may go on
   */
  blocked(artifact: ApprovedRecord, run?: Pick<RunEntry, 'id' | 'attempt'>): GimoError | null;
  show(artifact: ApprovedRecord): Approved;
  /** @throws GimoError `not_found` or `draft_id_not_runnable` */
  read(id: string): Promise<ApprovedRecord>;
  handlers: Pick<Handlers, 'listApproved' | 'getApproved'>;
}

export interface ArtifactPorts {
  store: Pick<Store, 'approved'>;
  ledger: Pick<Ledger, 'mac'>;
  settings: Pick<Settings, 'config' | 'resolve'>;
  consumption: Pick<Consumption, 'runOf'>;
  decisions: Pick<Decisions, 'of'>;
  withhold: Withhold;
  clock: Clock;
}

const invalid = (message: string) => new GimoError('approval_invalid', message);

export function createArtifacts(ports: ArtifactPorts): Artifacts {
  const { store, ledger, settings, consumption, decisions, withhold, clock } = ports;
  const digests = createDigests();

  const forged = (artifact: ApprovedRecord): GimoError | null => {
    if (artifact.seal === null || artifact.digest === null)
      return invalid('This approval has no seal, so it cannot run here. Approve the work again.');
    if (digests(artifact, artifact.provider_resolved) !== artifact.digest)
      return invalid('The content is not what was approved. It cannot run; approve it again.');
    if (!sealHolds(artifact, ledger))
      return invalid('The seal of this approval does not hold. It cannot run; approve it again.');
    return null;
  };

  /** The approve of it may have failed, and it may stand all the same: then the ledger has no decision that names it. */
  const undecided = ({ id, draft_id }: ApprovedRecord): GimoError | null =>
    decisions.of(draft_id)?.approved_id === id
      ? null
      : invalid('GIMO has not noted this approval, so it cannot run. Approve the work again.');

  const blocked: Artifacts['blocked'] = (artifact, run) => {
    const wrong = forged(artifact) ?? undecided(artifact);
    if (wrong !== null) return wrong;
    const spent = consumption.runOf(artifact.id);
    if (spent !== null && spent !== run?.id) return spentOn(spent);
    // A run that has begun in time may wait at a gate for longer than its approval would have held.
    if ((run?.attempt ?? 0) === 0 && isExpired(artifact, clock.now()))
      return new GimoError(
        'approval_expired',
        'This approval has expired. Approve the work again.',
      );
    const refused = refusedCommand(artifact, settings.config());
    return refused ?? otherProvider(artifact, settings);
  };

  const show = (artifact: ApprovedRecord): Approved => {
    const why = blocked(artifact);
    // What the file says of it anybody may have written.
    const consumed_by = consumption.runOf(artifact.id);
    return {
      ...artifact,
      consumed_by,
      runnable: why === null,
      blocked_reason: why?.message ?? null,
    };
  };

  const read = async (id: string) => {
    if (id.startsWith('d_'))
      throw new GimoError('draft_id_not_runnable', 'Runs can only be created from approved_id');
    requireId('approved', id);
    const artifact = await store.approved.get(id);
    if (artifact === null) throw unknownId('approved');
    return artifact;
  };

  return {
    blocked,
    show,
    read,
    handlers: {
      listApproved: {
        async read(input, call) {
          const told = await withhold(call);
          const tell = (artifact: ApprovedRecord) => told(show(artifact));
          return listPage('approved', store.approved, input, tell, summary);
        },
      },
      getApproved: {
        async read({ approved_id }, call) {
          requireId('approved', approved_id);
          return { body: (await withhold(call))(show(await read(approved_id))) };
        },
      },
    },
  };
}

const isExpired = ({ expires_at: at }: ApprovedRecord, now: number) =>
  at !== null && Date.parse(at) <= now;

function refusedCommand({ steps }: ApprovedRecord, config: Config): GimoError | null {
  for (const step of steps ?? []) {
    const why = step.kind === 'command' ? commandRefused(step, config.command_allowlist) : null;
    if (why !== null) return new GimoError('step_unsupported', why);
  }
  return null;
}

function otherProvider(
  { steps, provider_resolved: named }: ApprovedRecord,
  settings: Pick<Settings, 'resolve'>,
): GimoError | null {
  if (!asksModel(steps) || named === null) return null;
  const current = settings.resolve(named.name);
  if (current !== null && canonical(current) === canonical(named)) return null;
  return invalid(
    `The provider "${named.name}" is not set up as it was when this was approved. Set it back, or approve the work again.`,
  );
}

/** Whether an artifact's seal is ours. */
export function sealHolds(artifact: ApprovedRecord, ledger: Pick<Ledger, 'mac'>): boolean {
  // Both sides are hashed once more, so that the comparison tells nothing about the seal that would be right.
  return sha256(sealOf(artifact, ledger)) === sha256(artifact.seal ?? '');
}

const summary = ({ content: _content, context: _context, steps: _steps, ...rest }: Approved) =>
  cutPrompt(rest);
