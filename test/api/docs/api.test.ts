import { execFile } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { type Answer, answersFile, examples } from '../../../scripts/api-examples.ts';
import { makeSample } from '../../../scripts/sample.ts';
import { type OpId, opIds, table } from '../../../src/contract/operations.ts';
import type { Step } from '../../../src/contract/records.ts';
import { startServer, type TestServer } from '../harness.ts';
import { commit, writeFiles } from '../repository/support.ts';
import { whenEnded, whenIn } from '../runs/support.ts';
import { blocksOf } from './blocks.ts';

/*
 * Every example of the reference is run as it stands there, and its answer compared with the one that stands there: the
 * same fields with values of the same kind. `GIMO_RECORD=1` writes down what is answered instead; `npm run operations`
 * then puts it into the page.
 */

const repository = join(import.meta.dirname, '../../..');
const { version } = packageJson;
const run = promisify(execFile);
const record = process.env.GIMO_RECORD === '1';
const page = await readFile(join(repository, 'docs/api.md'), 'utf8');
const sections = new Map(
  page.split(/^### /m).map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

let dir: string;
let server: TestServer;
const recorded: Answer[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-api-docs-'));
  const root = join(dir, 'work');
  await makeSample(root);
  await writeFiles(root, { 'docs/rounding.md': '# Rounding\n\nTo the nearest cent.\n' });
  await commit(root, 'Say it in short');
  server = await startServer({ dir, keep: true, version });
  const { client } = server.host;
  await client.call('setAllowlist', { paths: [{ path: 'src' }, { path: 'package.json' }] });
  await client.call('setPlan', {
    ...{ id: 'p', title: 'P', workspace: '.', created: '2026-01-01T00:00:00Z', objective: 'O' },
    tasks: [{ id: 't', title: 'T', scope: 'src', description: 'D' }],
  });
  await finished();
});
afterAll(async () => {
  const lines = recorded.map((one) => `${JSON.stringify(one)}\n`);
  if (record) await writeFile(answersFile, lines.join(''));
  await server?.dispose();
  await rm(dir, { recursive: true, force: true });
});

const write = (path: string): Step => ({
  ...{ id: 'write', kind: 'edit', changes: [{ path, text: '# Hello\n' }] },
});
const edit = write('docs/hello.md');
const gate: Step = { id: 'look', kind: 'gate', title: 'Does it read well?' };

const draft = (steps?: Step[]) =>
  server.host.client.call('createDraft', {
    prompt: 'Tell how the tests are started',
    ...(steps === undefined ? {} : { steps }),
  });

async function approved(steps?: Step[]) {
  const { id, digest } = await draft(steps);
  const yes = await server.host.client.call('approveDraft', { draft_id: id, digest: digest ?? '' });
  if ('pending' in yes) throw new Error('nobody is there to be asked');
  return yes.approved;
}

const started = async (steps?: Step[]) =>
  server.host.client.call('createRun', { approved_id: (await approved(steps)).id });

/** A run that is done. */
async function finished(steps?: Step[]) {
  const { id } = await started(steps);
  return whenEnded(server, id);
}

async function paused() {
  const { id } = await started([gate, { id: 'sum', kind: 'prompt', text: 'Sum it up.' }]);
  return whenIn(server, id, 'paused');
}

/** A run whose program goes on until the end of the test. */
async function busy() {
  const pipe = join(dir, 'pipe');
  await run('mkfifo', [pipe]);
  const { stdout } = await run('bash', ['-c', 'realpath "$(command -v cat)"']);
  const program = stdout.trim();
  await server.host.client.call('setConfig', { command_allowlist: [{ program, args_prefix: [] }] });
  const { id } = await started([{ id: 'wait', kind: 'command', argv: [program, pipe] }]);
  const writer = await open(pipe, 'w');
  onTestFinished(async () => {
    await writer.close();
    await server.host.client.call('cancelRun', { run_id: id }).catch(() => undefined);
  });
  return { id };
}

async function changed() {
  const { client } = server.host;
  await client.call('setConfig', { max_concurrent_runs: 3 });
  const text = JSON.stringify({ max_concurrent_runs: 5 });
  await writeFile(join(server.host.dataDir, 'ops/config.json'), text);
}

/** What has to be there before an operation is called, and the ids that go with it. */
const before: {
  readonly [K in OpId]?: () => Promise<{ id: string; digest?: string | null } | undefined>;
} = {
  listDrafts: () => draft([edit, gate]),
  getDraft: () => draft([edit, gate]),
  reviewDraft: () => draft([write('.vscode/settings.json')]),
  editDraft: () => draft(),
  rejectDraft: () => draft(),
  approveDraft: () => draft(),
  getApproved: () => approved(),
  redraft: () => approved([edit]),
  listRuns: () => finished(),
  getRun: () => finished([write('docs/welcome.md')]),
  getRunLog: () => finished([write('docs/bye.md')]),
  createRun: () => approved(),
  cancelRun: paused,
  pauseRun: busy,
  resumeRun: paused,
  undoRun: () => finished([edit]),
  ...{
    listChanges: nothing(changed),
    acceptChange: nothing(changed),
    restoreChange: nothing(changed),
  },
  resolveSecurity: nothing(() => server.host.client.call('lockDown', {})),
  getSecurityEvents: nothing(() =>
    server.host.client.call('setConfig', { max_concurrent_runs: 2 }),
  ),
};

function nothing(job: () => Promise<unknown>) {
  return async () => {
    await job();
    return undefined;
  };
}

/** The command as it is typed here: at this server, about this record. */
async function curl(
  line: string,
  on: TestServer,
  about: { id: string; digest?: string | null } | undefined,
) {
  const auth = join(on.dir, 'auth');
  await writeFile(auth, `Authorization: Bearer ${on.host.token('admin')}\n`);
  const typed = line
    .replace('@auth', `@'${auth}'`)
    .replace('127.0.0.1:9325', `127.0.0.1:${on.host.port}`)
    .replace(/\b[dar]_1795\d+_[0-9a-f]{6}\b/g, about?.id ?? 'none')
    .replace(/\b[0-9a-f]{64}\b/, about?.digest ?? 'none');
  const { stdout } = await run('bash', ['-c', `curl -sS -w '\\n%{http_code}' ${typed.slice(5)}`]);
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at) };
}

/** Without what is of this machine or secret, and with the id that stands in the command. */
function told(text: string, line: string, about: { id: string } | undefined): string {
  const [id] = line.match(/\b[dar]_1795\d+_[0-9a-f]{6}\b/) ?? [];
  const named = id === undefined || about === undefined ? text : text.replaceAll(about.id, id);
  return named
    .replaceAll(dir, '/home/ada')
    .replaceAll(`127.0.0.1:${server.host.port}`, '127.0.0.1:9325')
    .replace(/("token": ?")[^"]+/, '$1…');
}

/** Where two values are not of one shape, as a path; null where they are. An empty list and null go with anything. */
function differs(one: unknown, other: unknown, at = '$'): string | null {
  if (one === null || other === null) return null;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === 0 || other.length === 0 ? null : differs(one[0], other[0], `${at}[0]`);
  if (typeof one !== typeof other || Array.isArray(one) !== Array.isArray(other)) return at;
  if (typeof one !== 'object') return null;
  const [left, right] = [new Map(Object.entries(one)), new Map(Object.entries(Object(other)))];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (!left.has(name) || !right.has(name)) return `${at}.${name}`;
    const found = differs(left.get(name), right.get(name), `${at}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

/** What is too long for a page: of paths, none is shown, and of the lines of the audit, two. */
function shortened(id: OpId, body: unknown): unknown {
  if (id === 'getOpenApi') return { ...Object(body), paths: {}, components: {} };
  if (id === 'getUiAudit') return { lines: table.getUiAudit.output.parse(body).lines.slice(-2) };
  return body;
}

/* Milliseconds. */
const patience = { timeout: 60_000 };

describe('the example of the reference is taken, and answered as it says:', () => {
  test.each(opIds)('%s', patience, async (id) => {
    const operation = table[id];
    const stops = id === 'restartService' || id === 'stopService';
    const on = stops ? await startServer() : server;
    const about = await before[id]?.();
    const [command, shown] = record ? [] : blocksOf(sections.get(id) ?? '');
    const line = command?.text.trim() ?? fromTable(id);
    const { status, text } = await curl(line, on, about);
    expect(status, `${line}\n${text}`).toBe(operation.status);
    const clean = told(text, line, about);
    const answered: unknown = operation.text === true ? clean : JSON.parse(clean);
    expect(operation.output.safeParse(answered).error, text).toBeUndefined();
    const answer = shortened(id, answered);
    recorded.push({ operation: id, answer });
    if (id === 'lockDown')
      await server.host.client.call('resolveSecurity', { action: 'clear_panic' });
    if (record) return;
    if (operation.text === true) return expect(shown?.text).toBe(`${text.trimEnd()}\n`);
    const example: unknown = JSON.parse(shown?.text ?? 'null');
    expect(operation.output.safeParse(example).error).toBeUndefined();
    expect(differs(example, answer), text).toBeNull();
  });
});

/** The command of an example that does not stand on the page yet. */
function fromTable(id: OpId): string {
  const { path, body } = examples[id];
  const more = body === undefined ? '' : ` --json '${body}'`;
  return `curl -H @auth -X ${table[id].method.toUpperCase()} 'http://127.0.0.1:9325${path}'${more}`;
}
