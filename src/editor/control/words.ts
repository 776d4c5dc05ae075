import { isAtEditor } from '../../contract/actors.ts';
import type { Config } from '../../contract/records.ts';
import type { LockLevel, SecurityEvent } from '../../contract/rows/security.ts';
import { commandLine } from '../steps.ts';
import { oneLine } from '../text.ts';
import type { AuditVerdict } from './facts.ts';

/* What the control plane says in words, wherever it is said. */

/** What a lockdown means, by how far it goes. */
export const lockWords = {
  open: { short: 'not locked down', long: 'The server is open: nothing is locked down.' },
  strangers: {
    short: 'strangers are turned away',
    long: 'Callers without a valid token are turned away. Everything else works.',
  },
  all: {
    short: 'locked down',
    long: 'Nothing new is done and no run starts. Reading, rejecting and cancelling work.',
  },
} as const satisfies Record<LockLevel, { short: string; long: string }>;

/** What locked the server, or opened it again. */
export const eventWords = {
  invalid_tokens: 'five invalid tokens within a minute',
  unhandled_errors: 'three unexpected errors within a minute',
  lockdown: 'somebody pulled the brake',
  state_unreadable: 'the security state in the ledger was not as it was written',
  cleared: 'the lockdown was resolved',
} as const satisfies Record<SecurityEvent['type'], string>;

/** Who may say yes, by the channel that the configuration names. */
export const channelWords = {
  auto: {
    short: 'in the editor',
    long: 'What changes files or runs commands is approved in the editor. What only asks a model, also with the operator token.',
  },
  editor: { short: 'in the editor only', long: 'Everything is approved in the editor.' },
  any: {
    short: 'with the operator token too',
    long: 'Whoever has the operator token approves, here or elsewhere.',
  },
} as const satisfies Record<Config['approval_channel'], { short: string; long: string }>;

/** What the verdict on the audit log means. */
export function verdictWords({ verdict, at }: Pick<AuditVerdict, 'verdict' | 'at'>): {
  short: string;
  long: string;
  /** Whether somebody should look into it. */
  alarming: boolean;
} {
  switch (verdict) {
    case 'whole':
      return {
        ...{ short: 'whole', alarming: false },
        long: 'The audit log is whole: every entry is there, as it was written.',
      };
    case 'modified':
      return {
        ...{ short: `changed at entry ${at}`, alarming: true },
        long: `The audit log was changed: entry ${at} is not as GIMO wrote it. What stands before it holds; do not rely on what comes after. Find out who can write to the folder of the records.`,
      };
    case 'truncated':
      return {
        ...{ short: `cut off after entry ${at}`, alarming: true },
        long: `The audit log was cut off: GIMO wrote more after entry ${at}, and that is gone. Find out who can write to the folder of the records, and look for a copy.`,
      };
    case 'unwitnessed':
      return {
        ...{ short: `last entries without a witness`, alarming: false },
        long: `The audit log is genuine, but the last entries, after ${at}, have no witness in the ledger. That is what a power failure leaves behind.`,
      };
  }
}

type Program = Config['command_allowlist'][number];

/** A program that command steps may run, whole. */
export const programWords = ({ program, args_prefix }: Program): string =>
  args_prefix.length === 0
    ? `${commandLine([program])} with any arguments`
    : `${commandLine([program, ...args_prefix])} …`;

/** A role and what its token is for. */
export const tokenUses = [
  { role: 'agent', use: 'Reads and proposes drafts. For agents and MCP clients.' },
  { role: 'actions', use: 'Reads what you let clients read. For ChatGPT Actions.' },
  { role: 'operator', use: 'Besides, approves drafts that only ask a model, and runs.' },
  {
    role: 'admin',
    use: 'May do everything that the API offers. For your own scripts only.',
  },
] as const;

/** Who did something, as far as people know it: `you, in an editor`. */
export const actorWords = (actor: string): string =>
  isAtEditor(actor) ? 'a person at an editor' : oneLine(actor, 60);
