import { isTerminal } from '../../../src/core/run-steps.ts';
import type { RawRequest } from './caller.ts';
import { type Act, keep, look } from './world.ts';

/* What clients do that makes nothing: they look, call tools, ask what is refused, and go away in the middle. */

const oneOf = (acts: readonly [Act, ...Act[]]): Act => {
  return (caller, world, random) => random.pick(acts)(caller, world, random);
};

export const readRecords = oneOf([
  (caller) => caller.ask('listDrafts', { limit: 50, view: 'summary' }, { as: 'actions' }),
  (caller) => caller.ask('listDrafts', { limit: 20, view: 'full', status: ['draft'] }),
  (caller) => caller.ask('listRuns', { limit: 50, view: 'summary' }, { as: 'agent' }),
  (caller) => caller.ask('listRuns', { limit: 20, view: 'full', status: ['running', 'paused'] }),
  (caller) => caller.ask('listApproved', { limit: 20, view: 'summary' }, { as: 'actions' }),
  async (caller, { drafts }, random) => {
    const draft_id = look(drafts, random)?.id;
    if (draft_id === undefined) return;
    await caller.ask('getDraft', { draft_id }, { as: 'actions' });
    await caller.ask('reviewDraft', { draft_id });
  },
  async (caller, { live, over }, random) => {
    const run_id = look(live, random) ?? look(over, random);
    if (run_id === undefined) return;
    const run = await caller.ask('getRun', { run_id }, { as: 'actions' });
    await caller.ask('getRunLog', { run_id, after: random.below(5) });
    if (run === undefined || !isTerminal(run.status) || !live.includes(run_id)) return;
    live.splice(live.indexOf(run_id), 1);
    keep(over, run_id);
  },
]);

export const readOthers = oneOf([
  (caller) => caller.ask('getStatus', {}, { as: 'actions' }),
  (caller) => caller.ask('getUiStatus', {}),
  (caller) => caller.ask('getPlan', {}),
  (caller) => caller.ask('getConfig', {}, { as: 'operator' }),
  (caller) => caller.ask('getProvider', {}),
  (caller) => caller.ask('listAudit', { limit: 50 }, { as: 'operator' }),
  (caller) => caller.ask('getUiAudit', { limit: 50 }),
  (caller) => caller.ask('getSecurityEvents', {}),
  (caller) => caller.ask('listChanges', {}),
  (caller) => caller.ask('getOpenApi', {}, { as: 'actions' }),
]);

export const readFiles = oneOf([
  (caller) => caller.ask('readTree', { path: '.', max_depth: 3 }, { as: 'actions' }),
  (caller) => caller.ask('readFile', { path: 'README.md' }, { as: 'actions' }),
  (caller) => caller.ask('search', { q: 'invoice' }),
  (caller) => caller.ask('readDiff', { base: 'HEAD', head: 'HEAD' }),
]);

export const callTool: Act = (caller, _world, random) => {
  const version = '2026-07-28';
  const tool = random.pick<{ name: string; arguments: object }>([
    { name: 'list_drafts', arguments: { limit: 10 } },
    { name: 'get_status', arguments: {} },
    { name: 'create_draft', arguments: { prompt: `Asked by ${caller.name}` } },
    { name: 'no_such_tool', arguments: {} },
  ]);
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'soak', version: '0' },
  };
  return caller.send('mcp', {
    ...{ method: 'POST', path: '/mcp', as: random.pick(['agent', 'admin', 'window'] as const) },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...tool, _meta } },
    headers: {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      ...{ 'mcp-method': 'tools/call', 'mcp-name': tool.name },
    },
  });
};

export const bad: Act = (caller, { drafts }, random) => {
  const id = look(drafts, random)?.id ?? 'd_1_000000';
  const draft = `/ops/drafts/${id}`;
  const wrong = [
    { method: 'GET', path: '/ops/drafts', as: 'nobody' },
    { method: 'GET', path: '/ops/drafts/d_1_ffffff' },
    { method: 'GET', path: '/ops/runs/..%2f..%2fconfig' },
    { method: 'DELETE', path: draft },
    { method: 'POST', path: '/ops/drafts', body: '{"prompt":' },
    { method: 'POST', path: '/ops/drafts', body: { prompt: 7, steps: [{ kind: 'nonsense' }] } },
    { method: 'POST', path: '/ops/drafts', body: { prompt: 'p'.repeat(6_000_000) } },
    { method: 'POST', path: '/ops/runs', body: { approved_id: id } },
    { method: 'PUT', path: '/ops/config', body: { max_concurrent_runs: 900 } },
    { method: 'PUT', path: '/ops/config', body: { run_timeout_s: 5 }, as: 'agent' },
    { method: 'POST', path: `${draft}/approve?digest=${'0'.repeat(64)}`, as: 'operator' },
    { method: 'POST', path: `${draft}/approve`, as: 'actions' },
    { method: 'GET', path: '/file?path=../../etc/passwd', as: 'actions' },
    { method: 'GET', path: '/file?path=.git/config', as: 'actions' },
    { method: 'GET', path: '/diff?base=--output=x', as: 'actions' },
    { method: 'GET', path: '/nowhere' },
    { method: 'PUT', path: draft, body: { content: 'x' }, headers: { 'if-match': '"stale"' } },
    { method: 'GET', path: '/status', headers: { origin: 'https://example.invalid' } },
  ] as const;
  const request = wrong[random.below(wrong.length)] ?? wrong[0];
  return caller.send('bad request', request);
};

export const goneAway: Act = (caller, _world, random) =>
  caller.send('cut off', {
    ...random.pick<RawRequest>([
      { method: 'GET', path: '/ops/drafts?limit=200' },
      { method: 'POST', path: '/ops/drafts', body: { prompt: `Cut off by ${caller.name}` } },
      { method: 'GET', path: '/search?q=total' },
    ]),
    goneAfter: random.below(15),
  });
