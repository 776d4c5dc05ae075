/*
 * Every name that the manifest and the code must agree on, once; a test compares them with package.json.
 */

export const containerId = 'gimo';

export const viewIds = {
  drafts: 'gimo.drafts',
  approved: 'gimo.approved',
  runs: 'gimo.runs',
  plan: 'gimo.plan',
  controlPlane: 'gimo.controlPlane',
} as const;

/** The id of a command is `gimo.` and its title in camel case. */
export const commandIds = {
  startServer: 'gimo.startServer',
  stopServer: 'gimo.stopServer',
  restartServer: 'gimo.restartServer',
  newDraft: 'gimo.newDraft',
  openReviewPanel: 'gimo.openReviewPanel',
  generateDraft: 'gimo.generateDraft',
  approveDraft: 'gimo.approveDraft',
  approveAndRunDraft: 'gimo.approveAndRunDraft',
  rejectDraft: 'gimo.rejectDraft',
  runApprovedArtifact: 'gimo.runApprovedArtifact',
  approveAgain: 'gimo.approveAgain',
  cancelRun: 'gimo.cancelRun',
  pauseRun: 'gimo.pauseRun',
  resumeRun: 'gimo.resumeRun',
  undoRun: 'gimo.undoRun',
  draftThisTask: 'gimo.draftThisTask',
  showRunLog: 'gimo.showRunLog',
  copyToken: 'gimo.copyToken',
  copyMcpConfiguration: 'gimo.copyMCPConfiguration',
  setProviderKey: 'gimo.setProviderKey',
  chooseProvider: 'gimo.chooseProvider',
  checkProvider: 'gimo.checkProvider',
  setPlanFromActiveEditor: 'gimo.setPlanFromActiveEditor',
  showLog: 'gimo.showLog',
  refresh: 'gimo.refresh',
} as const;

/** Commands on a draft's documents; they stand in package.json as well. */
export const documentCommandIds = {
  editDraft: 'gimo.editDraft',
  openDraftDiff: 'gimo.openDraftDiff',
} as const;

/** Commands of the view Control Plane, whose code is loaded with the first of them; they stand in package.json as well. */
export const controlCommandIds = {
  rotateToken: 'gimo.rotateToken',
  editConfiguration: 'gimo.editConfiguration',
  showAuditLog: 'gimo.showAuditLog',
  verifyAuditLog: 'gimo.verifyAuditLog',
  lockDown: 'gimo.lockDown',
  resolveLockdown: 'gimo.resolveLockdown',
  reviewOutsideChanges: 'gimo.reviewOutsideChanges',
  allowCommandLine: 'gimo.allowCommandLine',
  copyApiAddress: 'gimo.copyAPIAddress',
  copyOpenApiDocument: 'gimo.copyOpenAPIDocument',
  letClientsRead: 'gimo.letClientsRead',
  stopClientsReading: 'gimo.stopClientsReading',
} as const;
export type ControlCommand = keyof typeof controlCommandIds;

/** Commands that only our own rows and the status bar call; they stand in no palette, and so not in package.json. */
export const innerCommandIds = {
  showMore: 'gimo.inner.showMore',
  showMenu: 'gimo.inner.showMenu',
  reviewRequests: 'gimo.inner.reviewRequests',
} as const;

/** The provider of the server's address for the editor's own MCP clients. */
export const mcpProviderId = 'gimo.mcp';

/** Tools for the editor's chats. */
export const lmToolIds = {
  listDrafts: 'gimo_list_drafts',
  proposeDraft: 'gimo_propose_draft',
  lookAtRun: 'gimo_look_at_run',
} as const;

/** Schemes of documents that the extension provides. */
export const schemes = {
  runLog: 'gimo-log',
  audit: 'gimo-audit',
  outsideChange: 'gimo-change',
} as const;

/** The type of the review panel; the editor brings panels of this type back after a reload. */
export const reviewViewType = 'gimo.review';

export const settingIds = {
  autoStart: 'gimo.autoStart',
  port: 'gimo.port',
  publicUrl: 'gimo.publicUrl',
  dataDirectory: 'gimo.dataDirectory',
  notifications: 'gimo.notifications',
  corsOrigins: 'gimo.corsOrigins',
} as const;

/** Keys that `when` clauses ask for. */
export const contextKeys = {
  state: 'gimo.state',
  attached: 'gimo.attached',
  /** How far the server is locked: a `LockLevel` of the contract. */
  lockdown: 'gimo.lockdown',
  /** The type of the provider that is asked. */
  provider: 'gimo.provider',
  /** `chosen` once a person has chosen who is asked. */
  model: 'gimo.model',
  /** `some` once there is a draft. */
  drafted: 'gimo.drafted',
  /** `some` once something was approved in this folder. */
  approved: 'gimo.approved',
} as const;

/** Values of {@link contextKeys.state}. */
export const serverStates = ['stopped', 'starting', 'running', 'failed'] as const;

/** Keys of what is remembered: of the port for each folder, of the models that were allowed over all of them. */
export const memoryKeys = {
  ...{ port: 'gimo.lastPort', lastStart: 'gimo.lastStart' },
  allowedModels: 'gimo.allowedModels',
} as const;
