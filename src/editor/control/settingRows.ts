import { commandIds, controlCommandIds } from '../ids.ts';
import { originOf } from '../models/providerChoices.ts';
import { counted, oneLine } from '../text.ts';
import { tooltipOf } from '../trees/row.ts';
import type { Facts } from './facts.ts';
import type { ControlNode } from './node.ts';
import { channelWords, programWords } from './words.ts';

const quiet = 'icon.foreground';

/** Which model is asked. */
export function providerNode({ provider: { name, entry } }: Facts): ControlNode {
  const model = entry === null ? 'not set up' : oneLine(entry.model, 80);
  const where = entry === null ? null : originOf(entry);
  const offline = entry?.type === 'offline';
  const told = offline ? 'asks no model' : model;
  return {
    ...{ kind: 'provider', key: 'provider', click: commandIds.chooseProvider },
    row: {
      label: 'Provider',
      description: name === told ? name : `${oneLine(name, 60)} · ${told}`,
      icon: { id: 'hubot', color: entry === null ? 'list.warningForeground' : quiet },
      contextValue: `provider;${entry?.type ?? 'missing'};`,
      tooltip: tooltipOf('**Who is asked** when a draft is generated or a prompt runs', null, [
        ['name', name],
        ['type', entry?.type],
        ['model', entry?.model],
        ['address', where],
      ]),
      spoken: `provider ${oneLine(name, 60)}, ${told}`,
    },
  };
}

/** Who may say yes. */
export function approvalsNode({ config }: Facts): ControlNode {
  const { short, long } = channelWords[config.approval_channel];
  return {
    ...{ kind: 'approvals', name: 'approval_channel', key: 'approvals' },
    click: controlCommandIds.editConfiguration,
    row: {
      label: 'Approvals',
      description: short,
      icon: { id: 'person', color: config.approval_channel === 'any' ? 'charts.yellow' : quiet },
      contextValue: `approvals;${config.approval_channel};`,
      tooltip: long,
      spoken: `approvals, ${short}`,
    },
  };
}

/** What command steps may run. */
export function programsNode({ config }: Facts): ControlNode {
  const programs = config.command_allowlist;
  const told = programs.length === 0 ? 'none may run' : counted(programs.length, 'program');
  return {
    ...{ kind: 'programs', name: 'command_allowlist', key: 'programs' },
    click: controlCommandIds.editConfiguration,
    row: {
      label: 'Commands',
      description: told,
      icon: { id: 'checklist', color: quiet },
      contextValue: `programs;${programs.length === 0 ? 'none' : 'some'};`,
      tooltip: tooltipOf(
        'The programs that command steps may run, once approved. All others are refused.',
        programs.length === 0 ? null : programs.map(programWords).join('\n'),
        [],
      ),
      spoken: `programs for command steps, ${told}`,
    },
  };
}

/** Whether `gimo` in a terminal has a token. */
export function commandLineNode({ commandLine }: Facts): ControlNode {
  const told =
    commandLine === null ? 'see the other window' : commandLine ? 'allowed' : 'not allowed';
  const flag = commandLine === null ? 'unknown' : commandLine ? 'allowed' : 'refused';
  return {
    ...{ kind: 'commandLine', key: 'commandLine', click: controlCommandIds.allowCommandLine },
    row: {
      label: 'Command Line',
      description: told,
      icon: { id: 'terminal', color: commandLine === true ? 'charts.yellow' : quiet },
      contextValue: `commandLine;${flag};`,
      tooltip:
        commandLine === null
          ? 'Only the window that hosts the server knows whether the command line has a token.'
          : commandLine
            ? 'Programs of your user on this computer can use GIMO as an operator, until you revoke it.'
            : 'The `gimo` command has no token for this server. You can give it the operator token.',
      spoken: `command line, ${told}`,
    },
  };
}
