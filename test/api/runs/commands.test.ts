import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import { RunRecord } from '../../../src/contract/records.ts';
import { isTerminal } from '../../../src/core/run-steps.ts';
import { processAt } from '../../../src/execution/processes.ts';
import { startServer, type TestServer } from '../harness.ts';
import { readRun } from './support.ts';

/* A command that ignores SIGTERM and has begun a child that does so too; it tells both ids. */
const waits = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);";
const script = `const { spawn } = require('child_process');
const { pid } = spawn(process.execPath, ['-e', ${JSON.stringify(waits)}]);
${waits}
console.log('pids', process.pid, pid);`;

/** A server on which that command runs, and the ids of its processes. */
async function running() {
  const server = await startServer();
  const program = process.execPath;
  const admin = (method: string, path: string, body?: object) =>
    server.request(method, path, { role: 'admin', body });
  await admin('PUT', '/ops/config', { command_allowlist: [{ program, args_prefix: [] }] });
  const steps = [{ id: 'c', kind: 'command', argv: [program, '-e', script] }];
  const made = await admin('POST', '/ops/drafts', { prompt: 'Wait', steps });
  const { id, digest } = Draft.parse(made.body);
  const said = await admin('POST', `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`);
  const run = RunRecord.parse(Object(said.body).run);
  const pids = await told(server, run.id);
  return { server, run, pids, admin };
}

/** The process ids that the command's log tells. */
async function told(server: TestServer, runId: string): Promise<number[]> {
  const found = Promise.withResolvers<number[]>();
  const look = async () => {
    const { log } = await readRun(server, runId);
    const line = log.find(({ msg }) => msg.startsWith('pids '));
    if (line !== undefined) found.resolve(line.msg.split(' ').slice(1).map(Number));
  };
  const off = server.host.onChange(({ type }) => {
    if (type === 'log') look().catch(found.reject);
  });
  await look();
  return found.promise.finally(off);
}

/** Which of them run; a zombie does not. */
const there = async (pids: readonly number[]) =>
  (await Promise.all(pids.map(processAt))).flatMap((found) => found?.pid ?? []);

describe('a command and the child that it has begun, which both ignore SIGTERM, are gone', () => {
  it('after a lockdown', async () => {
    const { server, run, pids, admin } = await running();
    expect(await there(pids)).toEqual(pids);
    const over = Promise.withResolvers<RunRecord>();
    server.host.onChange(({ type }) => {
      if (type !== 'run') return;
      readRun(server, run.id).then((now) => {
        if (isTerminal(now.status)) over.resolve(now);
      }, over.reject);
    });
    expect((await admin('POST', '/ui/security/lockdown', {})).status).toBe(200);
    expect(await over.promise).toMatchObject({ status: 'cancelled' });
    expect(await there(pids)).toEqual([]);
  });

  it('after the claim was lost to another server', async () => {
    const { server, pids, admin } = await running();
    const epoch = server.host.epoch + 1;
    await writeFile(join(server.host.ledgerDir, 'epochs', String(epoch)), '{}');
    // The next write finds out.
    expect((await admin('POST', '/ops/drafts', { prompt: 'x' })).status).toBe(503);
    await server.whenLogged(({ message }) => /claim|another server|waits/i.test(message));
    await server.host.stop();
    expect(await there(pids)).toEqual([]);
  });

  it('after a stop of the server', async () => {
    const { server, pids } = await running();
    await server.host.stop();
    expect(await there(pids)).toEqual([]);
  });
});
