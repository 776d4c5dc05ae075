/*
 * Every name that the manifest and the code must agree on, once; a test compares them with package.json.
 */

export const containerId = 'gimo';

export const viewIds = { drafts: 'gimo.drafts' } as const;

/** The id of a command is `gimo.` and its title in camel case. */
export const commandIds = {
  startServer: 'gimo.startServer',
  stopServer: 'gimo.stopServer',
  restartServer: 'gimo.restartServer',
  newDraft: 'gimo.newDraft',
  copyToken: 'gimo.copyToken',
  showLog: 'gimo.showLog',
  refresh: 'gimo.refresh',
} as const;

/** Commands that only a row of a tree calls; they stand in no palette, and so not in package.json. */
export const rowCommandIds = { showMore: 'gimo.row.showMore' } as const;

export const settingIds = { autoStart: 'gimo.autoStart', port: 'gimo.port' } as const;

/** Keys that `when` clauses ask for. */
export const contextKeys = { state: 'gimo.state' } as const;

/** Values of {@link contextKeys.state}. */
export const serverStates = ['stopped', 'starting', 'running', 'failed'] as const;

/** Keys of the workspace's memory. */
export const memoryKeys = { port: 'gimo.lastPort' } as const;
