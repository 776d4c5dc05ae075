import type { SecurityEvent } from '../../contract/rows/security.ts';
import type { OutsideChange } from '../../contract/rows/upkeep.ts';
import { controlCommandIds, innerCommandIds } from '../ids.ts';
import { ageOf, counted, oneLine } from '../text.ts';
import { type Row, tooltipOf } from '../trees/row.ts';
import { leftOf } from './expiry.ts';
import type { AuditVerdict, Facts } from './facts.ts';
import type { ControlNode } from './node.ts';
import { approvalsNode, commandLineNode, programsNode, providerNode } from './settingRows.ts';
import { actorWords, eventWords, lockWords, tokenUses, verdictWords } from './words.ts';

const quiet = 'icon.foreground';
const alarm = { error: 'list.errorForeground', warning: 'list.warningForeground' } as const;

/** What was changed outside, in the words of people. */
export const changedWords = {
  config: 'Configuration',
  provider: 'Providers',
  allowlist: 'What clients may read',
} as const satisfies Record<OutsideChange['what'], string>;

/** What the view shows. */
export interface Shown {
  facts: Facts;
  /** What came of the last look at the audit log; null if nobody asked for one. */
  verdict: AuditVerdict | null;
  /** How many requests of clients wait that no draft and no run stands for. */
  requests: number;
}

/**
 * The view as rows: what needs a person first. A list that has nothing in it, and that nobody misses, has no row.
 *
 * @param now milliseconds since 1970
 */
export function controlRows({ facts, verdict, requests }: Shown, now: number): ControlNode[] {
  const locked = facts.security.level !== 'open';
  return [
    ...requestsNode(requests),
    ...(locked ? [lockdownNode(facts, now)] : []),
    ...changesNode(facts),
    ...quarantineNode(facts),
    serverNode(facts, now),
    providerNode(facts),
    approvalsNode(facts),
    programsNode(facts),
    allowlistNode(facts, now),
    tokensNode(),
    commandLineNode(facts),
    auditNode(verdict, now),
    ...(locked ? [] : [lockdownNode(facts, now)]),
  ];
}

function requestsNode(requests: number): ControlNode[] {
  if (requests === 0) return [];
  const what = counted(requests, 'request');
  return [
    {
      ...{ kind: 'requests', key: 'requests', click: innerCommandIds.reviewRequests },
      row: {
        label: 'Asked For',
        description: `${what} ${requests === 1 ? 'waits' : 'wait'} for you`,
        icon: { id: 'bell-dot', color: 'charts.yellow' },
        contextValue: 'requests;',
        tooltip:
          'A client asks to change who may approve or which programs may run. Only you can allow it. A click shows what would change.',
        spoken: `asked for, ${what} ${requests === 1 ? 'waits' : 'wait'} for you`,
      },
    },
  ];
}

function serverNode({ server }: Facts, now: number): ControlNode {
  const { url, started_at, epoch, pid, version, dataDir, attached } = server;
  const { host } = new URL(url);
  const up = ageOf(started_at, now);
  const runs = attached ? 'This window works on the server of another one.' : 'The server runs.';
  const upFor = up.short === 'now' ? 'just started' : `up ${up.short}`;
  return {
    ...{ kind: 'server', key: 'server' },
    row: {
      label: 'Server',
      description: [host, ...(attached ? ['of another window'] : []), upFor].join(' · '),
      icon: { id: attached ? 'vm-connect' : 'vm-running', color: 'testing.iconPassed' },
      contextValue: `server;${attached ? 'attached' : 'hosted'};`,
      tooltip: tooltipOf(`**${runs}** It was started ${up.long}.`, null, [
        ['address', url],
        ['started', started_at],
        ['epoch', String(epoch)],
        ['process', String(pid)],
        ['version', version],
        ['data', dataDir],
      ]),
      spoken: `server${attached ? ' of another window' : ''}, running at ${host}, epoch ${epoch}, started ${up.long}`,
    },
  };
}

function lockdownNode({ security }: Facts, now: number): ControlNode {
  const { level, last } = security;
  const words = lockWords[level];
  const since = last === null ? '' : eventLine(last, now);
  const look: Row['icon'] =
    level === 'open'
      ? { id: 'unlock', color: quiet }
      : { id: 'lock', color: level === 'all' ? alarm.error : alarm.warning };
  return {
    ...{ kind: 'lockdown', key: 'lockdown' },
    ...(level === 'open' ? {} : { click: controlCommandIds.resolveLockdown }),
    row: {
      label: 'Lockdown',
      description: [words.short, ...(last === null ? [] : [ageOf(last.ts, now).short])].join(' · '),
      icon: look,
      contextValue: `lockdown;${level};`,
      tooltip: tooltipOf(words.long, last?.reason ?? null, [
        ['last', since === '' ? null : since],
        ['by', last === null ? null : actorWords(last.actor)],
        ['at', last?.ts],
        ['correlation', last?.correlation_id],
      ]),
      spoken: ['lockdown', words.short, ...(since === '' ? [] : [`last: ${since}`])].join(', '),
    },
  };
}

/** What happened last, in words: `five invalid tokens within a minute, 3 minutes ago`. */
export const eventLine = ({ type, ts }: SecurityEvent, now: number): string =>
  `${eventWords[type]}, ${ageOf(ts, now).long}`;

function changesNode({ changes }: Facts): ControlNode[] {
  if (changes.length === 0) return [];
  const what = counted(changes.length, 'change');
  return [
    {
      ...{ kind: 'changes', key: 'changes', open: true },
      row: {
        label: 'Changed Outside',
        description: `${what} without effect`,
        icon: { id: 'warning', color: alarm.warning },
        contextValue: 'group;changes;',
        tooltip:
          'These settings were changed in their files, by hand or by a program. They have no effect until you accept them.',
        spoken: `changed outside, ${what} without effect until you accept`,
      },
      children: changes.map(changeNode),
    },
  ];
}

function changeNode({ what, problem, notes }: OutsideChange): ControlNode {
  const told = problem === null ? 'accept or restore' : 'cannot be accepted';
  return {
    ...{ kind: 'change', name: what, key: `change:${what}` },
    click: controlCommandIds.reviewOutsideChanges,
    row: {
      label: changedWords[what],
      description: told,
      icon: { id: 'diff', color: problem === null ? alarm.warning : alarm.error },
      contextValue: `change;${what};`,
      tooltip: tooltipOf(`**${what}.json** is not what was accepted: ${told}.`, null, [
        ['problem', problem],
        ...notes.map((note) => ['note', note] as const),
      ]),
      spoken: `${changedWords[what]}, changed outside, ${told}`,
    },
  };
}

function quarantineNode({ quarantined }: Facts): ControlNode[] {
  if (quarantined.length === 0) return [];
  const what = counted(quarantined.length, 'record');
  return [
    {
      ...{ kind: 'quarantine', key: 'quarantine', open: true },
      row: {
        label: 'Quarantined',
        description: what,
        icon: { id: 'bug', color: alarm.warning },
        contextValue: 'group;quarantine;',
        tooltip:
          'These files are no records that GIMO can read. They are set aside, never deleted, and hold up nothing else.',
        spoken: `quarantined, ${what} that cannot be read`,
      },
      children: quarantined.map(({ file, reason }) => ({
        ...{ kind: 'quarantined', name: file, key: `quarantined:${file}` },
        row: {
          label: oneLine(file.replace(/^quarantine\//, ''), 120),
          description: oneLine(reason, 200),
          icon: { id: 'file', color: alarm.warning },
          contextValue: 'quarantined;',
          tooltip: tooltipOf('**Set aside**', reason, [['file', file]]),
          spoken: `${oneLine(file, 120)}, ${oneLine(reason, 200)}`,
        },
      })),
    },
  ];
}

function allowlistNode({ allowed }: Facts, now: number): ControlNode {
  const told = allowed.length === 0 ? 'nothing' : counted(allowed.length, 'entry');
  return {
    // The editor keeps a row as it was that had nothing to open: one with entries is another, and begins open.
    ...{
      kind: 'allowlist',
      key: allowed.length === 0 ? 'allowlist:none' : 'allowlist',
      open: true,
    },
    ...(allowed.length === 0 ? { click: controlCommandIds.letClientsRead } : {}),
    row: {
      label: 'Clients May Read',
      description: told,
      icon: { id: 'eye', color: quiet },
      contextValue: 'group;allowlist;',
      tooltip:
        'The files and folders that clients with a token may read. Keys, environment files and `.git` never are, and what looks like a secret is left out.',
      spoken: `clients may read, ${told}`,
    },
    children: allowed.map(({ path, type, expires_at }) => {
      const left = leftOf(expires_at, now);
      const name = path === '.' ? 'The whole folder' : oneLine(path, 200);
      return {
        ...{ kind: 'allowed', name: path, key: `allowed:${path}` },
        row: {
          label: name,
          description: left.short,
          icon: { id: type === 'dir' ? 'folder' : 'file', color: quiet },
          contextValue: `allowed;${type};`,
          tooltip: tooltipOf(`Clients may read it ${left.long}.`, null, [
            ['path', path],
            ['until', left.short === 'until revoked' ? null : expires_at],
          ]),
          spoken: `${type === 'dir' ? 'folder' : 'file'} ${name}, ${left.long}`,
        },
      };
    }),
  };
}

function tokensNode(): ControlNode {
  return {
    ...{ kind: 'tokens', key: 'tokens' },
    row: {
      label: 'Tokens',
      description: tokenUses.map(({ role }) => role).join(', '),
      icon: { id: 'key', color: quiet },
      contextValue: 'group;tokens;',
      tooltip: 'Each role has a token. Give out no more than is needed; a rotated one is refused.',
      spoken: 'tokens, one for each of four roles',
    },
    children: tokenUses.map(({ role, use }) => ({
      ...{ kind: 'token', name: role, key: `token:${role}` },
      row: {
        label: role,
        description: use,
        icon: { id: 'key', color: quiet },
        contextValue: `token;${role};`,
        tooltip: use,
        spoken: `${role} token. ${use}`,
      },
    })),
  };
}

function auditNode(verdict: AuditVerdict | null, now: number): ControlNode {
  const words = verdict === null ? null : verdictWords(verdict);
  const age = verdict === null ? null : ageOf(verdict.ts, now);
  const color = words?.alarming === true ? alarm.error : quiet;
  return {
    ...{ kind: 'audit', key: 'audit', click: controlCommandIds.showAuditLog },
    row: {
      label: 'Audit Log',
      description: words === null || age === null ? '' : `${words.short} · ${age.short}`,
      icon: { id: words?.alarming === true ? 'error' : 'law', color },
      contextValue: 'audit;',
      tooltip:
        words?.long ??
        'What was done, by whom and with what outcome. It can be verified: no entry can be changed without a trace.',
      spoken:
        words === null || age === null ? 'audit log' : `audit log, ${words.short}, ${age.long}`,
    },
  };
}
