import { beforeAll, describe, expect, it } from 'vitest';
import { type OpId, opIds } from '../../../src/contract/operations.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, newDraft } from './support.ts';

let server: TestServer;
const plan = {
  ...{ id: 'p1', title: 'Plan', workspace: '.', created: '2026-01-01', objective: 'Tidy up' },
  tasks: [{ id: 't1', title: 'One', scope: 'src', description: 'Do it' }],
};
const provider = {
  active: 'offline',
  providers: { offline: { type: 'offline', model: 'offline' } },
};

beforeAll(async () => {
  server = await startServer({ keep: true });
  await server.request('PUT', '/ops/plan', { role: 'admin', body: plan });
  return server.dispose;
});

type Asked = { path: string; body?: unknown };
type Row = readonly [
  id: OpId,
  method: string,
  ask: string | (() => Promise<Asked>),
  none: number,
  actions: number,
  agent: number,
  operator: number,
  admin: number,
];

const draftPath = (more: string, body?: unknown) => async () => ({
  path: `/ops/drafts/${(await newDraft(server)).id}${more}`,
  ...(body === undefined ? {} : { body }),
});
const send = (path: string, body: unknown) => async () => ({ path, body });
const approvedId = async () => (await approve(server, (await newDraft(server)).id)).id;

/* By hand from API.md: the minimum role of each operation, and what `agent` may do beside the ladder. */
const rows: readonly Row[] = [
  ['getStatus', 'GET', '/status', 401, 200, 200, 200, 200],
  ['listDrafts', 'GET', '/ops/drafts', 401, 200, 200, 200, 200],
  ['getDraft', 'GET', draftPath(''), 401, 200, 200, 200, 200],
  ['reviewDraft', 'GET', draftPath('/review'), 401, 403, 403, 200, 200],
  ['createDraft', 'POST', send('/ops/drafts', { prompt: 'x' }), 401, 403, 201, 403, 201],
  ['editDraft', 'PUT', draftPath('', { prompt: 'y' }), 401, 403, 403, 403, 200],
  ['rejectDraft', 'POST', draftPath('/reject'), 401, 403, 403, 403, 200],
  ['approveDraft', 'POST', draftPath('/approve'), 401, 403, 403, 200, 200],
  ['listApproved', 'GET', '/ops/approved', 401, 200, 200, 200, 200],
  [
    ...(['getApproved', 'GET'] as const),
    async () => ({ path: `/ops/approved/${await approvedId()}` }),
    ...([401, 200, 200, 200, 200] as const),
  ],
  ['listRuns', 'GET', '/ops/runs', 401, 200, 200, 200, 200],
  ['getRun', 'GET', '/ops/runs/r_1_abcdef', 401, 404, 404, 404, 404],
  ['getRunLog', 'GET', '/ops/runs/r_1_abcdef/log', 401, 404, 404, 404, 404],
  [
    ...(['createRun', 'POST'] as const),
    async () => ({ path: '/ops/runs', body: { approved_id: await approvedId() } }),
    ...([401, 403, 403, 201, 201] as const),
  ],
  ['cancelRun', 'POST', '/ops/runs/r_1_abcdef/cancel', 401, 403, 403, 404, 404],
  ['pauseRun', 'POST', '/ops/runs/r_1_abcdef/pause', 401, 403, 403, 404, 404],
  ['resumeRun', 'POST', '/ops/runs/r_1_abcdef/resume', 401, 403, 403, 404, 404],
  ['undoRun', 'POST', '/ops/runs/r_1_abcdef/undo', 401, 403, 403, 404, 404],
  ['getPlan', 'GET', '/ops/plan', 401, 200, 200, 200, 200],
  ['setPlan', 'PUT', send('/ops/plan', plan), 401, 403, 403, 403, 200],
  ['getConfig', 'GET', '/ops/config', 401, 403, 403, 200, 200],
  ['setConfig', 'PUT', send('/ops/config', {}), 401, 403, 403, 403, 200],
  ['getProvider', 'GET', '/ops/provider', 401, 403, 403, 403, 200],
  ['setProvider', 'PUT', send('/ops/provider', provider), 401, 403, 403, 403, 200],
  ['checkProvider', 'POST', '/ops/provider/check', 401, 403, 403, 403, 200],
  ['generateDraft', 'POST', '/ops/generate?prompt=tidy', 401, 403, 201, 403, 201],
  ['readTree', 'GET', '/tree', 401, 200, 200, 200, 200],
  ['readFile', 'GET', '/file?path=.env', 401, 403, 403, 403, 403],
  ['search', 'GET', '/search?q=tidy', 401, 200, 200, 200, 200],
  ['readDiff', 'GET', '/diff?base=nowhere', 401, 400, 400, 400, 400],
  ['listRepos', 'GET', '/ui/repos', 401, 403, 403, 200, 200],
  ['getActiveRepo', 'GET', '/ui/repos/active', 401, 403, 403, 200, 200],
  ['openRepo', 'POST', '/ui/repos/open?path=/nowhere', 401, 403, 403, 403, 400],
  ['selectRepo', 'POST', '/ui/repos/select?path=/nowhere', 401, 403, 403, 403, 400],
  ['vitaminizeRepo', 'POST', '/ui/repos/vitaminize?path=/nowhere', 401, 403, 403, 403, 400],
  ['getAllowlist', 'GET', '/ui/allowlist', 401, 403, 403, 200, 200],
  ['setAllowlist', 'PUT', send('/ui/allowlist', { paths: [] }), 401, 403, 403, 403, 200],
  ['getOpenApi', 'GET', '/ops/openapi.json', 401, 200, 200, 200, 200],
  ['getUiStatus', 'GET', '/ui/status', 401, 200, 200, 200, 200],
  ['getUiAudit', 'GET', '/ui/audit', 401, 403, 403, 200, 200],
  ['getSecurityEvents', 'GET', '/ui/security/events', 401, 403, 403, 200, 200],
  [
    ...(['resolveSecurity', 'POST', '/ui/security/resolve?action=clear_panic'] as const),
    ...([401, 403, 403, 200, 200] as const),
  ],
  // Who may is told from who may not before the body is read: this one stops nobody else's test.
  ['lockDown', 'POST', send('/ui/security/lockdown', 'no JSON'), 401, 403, 403, 422, 422],
  ['getServiceStatus', 'GET', '/ui/service/status', 401, 403, 403, 403, 200],
  ['restartService', 'POST', send('/ui/service/restart', 'no JSON'), 401, 403, 403, 403, 422],
  ['stopService', 'POST', send('/ui/service/stop', 'no JSON'), 401, 403, 403, 403, 422],
  ['rotateToken', 'POST', '/ops/tokens/nobody/rotate', 401, 403, 403, 403, 404],
  ['listAudit', 'GET', '/ops/audit', 401, 403, 403, 200, 200],
  ['verifyAudit', 'GET', '/ops/audit/verify', 401, 403, 403, 200, 200],
  [
    ...(['redraft', 'POST'] as const),
    async () => ({ path: `/ops/approved/${await approvedId()}/redraft` }),
    ...([401, 403, 403, 403, 201] as const),
  ],
  ['listChanges', 'GET', '/ops/changes', 401, 403, 403, 200, 200],
  ['acceptChange', 'POST', '/ops/changes/config/accept', 401, 403, 403, 403, 409],
  ['restoreChange', 'POST', '/ops/changes/config/restore', 401, 403, 403, 403, 409],
];

describe('every operation answers every role as API.md says', () => {
  it('has a row for each operation', () => {
    expect(rows.map(([id]) => id).sort()).toEqual([...opIds].sort());
  });

  const callers: (TokenRole | 'none')[] = ['none', 'actions', 'agent', 'operator', 'admin'];
  const cells = rows.flatMap(([id, method, ask, ...statuses]) =>
    callers.map((caller, at) => ({ id, method, ask, caller, status: statuses[at] })),
  );
  it.each(cells)('$id by $caller: $status', async ({ id, method, ask, caller, status }) => {
    const { path, body }: Asked = typeof ask === 'string' ? { path: ask } : await ask();
    const role = caller === 'none' ? undefined : caller;
    const reply = await server.request(method, path, { role, body });
    expect(reply.status, reply.text).toBe(status);
    if (status === 401) expect(reply.body).toMatchObject({ code: 'token_missing' });
    if (status === 403 && id !== 'readFile')
      expect(reply.body).toMatchObject({ code: 'role_required' });
  });

  it('names the weakest role that would do, so that nobody hands out a stronger token', async () => {
    const body = { prompt: 'p' };
    const reply = await server.request('POST', '/ops/drafts', { role: 'actions', body });
    expect(reply.body).toMatchObject({
      detail: 'This needs the role agent or admin; the token is of the role actions.',
    });
  });

  it('tells a refused role nothing about whether the record is there', async () => {
    const { id } = await newDraft(server);
    const there = await server.request('PUT', `/ops/drafts/${id}`, { role: 'agent', body: {} });
    const not = await server.request('PUT', '/ops/drafts/d_1_abcdef', { role: 'agent', body: {} });
    expect([there.status, not.status]).toEqual([403, 403]);
    expect(Object(there.body).detail).toBe(Object(not.body).detail);
  });
});

describe('generate by an operator', () => {
  it('is allowed as long as the configuration says so', async () => {
    const generate = () =>
      server.request('POST', '/ops/generate?prompt=tidy', { role: 'operator' });
    const set = (operator_can_generate: boolean) =>
      server.request('PUT', '/ops/config', { role: 'admin', body: { operator_can_generate } });
    await set(true);
    expect((await generate()).status).toBe(201);
    await set(false);
    expect((await generate()).status).toBe(403);
  });
});
