import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { CommandResult } from '../../../src/contract/records.ts';
import { endFamily } from '../../../src/execution/family.ts';
import { listed, processAt } from '../../../src/execution/processes.ts';
import { freshRunId, leftOf, startHost, untilNobody, withCommands } from './command-support.ts';

/** A script whose whole family ignores being asked to end: itself, a child, and a grandchild. It tells their ids. */
const stubborn =
  'trap "" TERM INT HUP; sh -c \'sleep 600 & echo "ids $$ $!"; wait\' & echo "me $$"; wait';
/** A script with a child in a session of its own, and one in a group of its own. */
const scattered = 'setsid sleep 600 & timeout 600 sleep 600 & echo "ids $$ $!"; wait';

/** Those of them that run; zombies do not. */
const alive = async (pids: readonly number[]) => {
  const found = await Promise.all(pids.map(processAt));
  return pids.filter((_, at) => found[at] !== null);
};
const idsIn = (text: string) => (text.match(/\d+/g) ?? []).map(Number);
const Trace = z.object({ pid: z.int(), started: z.string() });

describe('a command that has to stop', () => {
  it('is gone when its step ends, which is with the reason', async () => {
    const { script } = await withCommands();
    const run = script('sleep 600 & echo "ids $$ $!"; wait');
    const pids = idsIn((await run.line(/^ids/)).input);
    expect(await alive(pids)).toEqual(pids);
    const why = new Error('cancelled by somebody');
    run.cancel(why);
    await expect(run.outcome).rejects.toBe(why);
    expect(await alive(pids)).toEqual([]);
    expect(await leftOf([run.runId])).toEqual([]);
  });

  it('and ignores SIGTERM is killed with its children and grandchildren', async () => {
    const { script } = await withCommands();
    const run = script(stubborn);
    const [me, ids] = await Promise.all([run.line(/^me/), run.line(/^ids/)]);
    const pids = [...idsIn(me.input), ...idsIn(ids.input)];
    expect(pids).toHaveLength(3);
    expect(await alive(pids)).toEqual(pids);
    run.cancel();
    await expect(run.outcome).rejects.toThrow('cancelled');
    expect(await alive(pids)).toEqual([]);
    expect(await leftOf([run.runId])).toEqual([]);
  });

  it('may put things in order first, and what it says then is logged', async () => {
    const { script } = await withCommands();
    const run = script('trap "echo tidied; exit 0" TERM; echo ready; sleep 600 & wait');
    await run.line(/ready/);
    run.cancel();
    await expect(run.outcome).rejects.toThrow('cancelled');
    expect(run.lines).toContain('OUTPUT tidied');
  });

  it('is asked once, not twice', async () => {
    const { begin } = await withCommands();
    const code =
      'let n = 0; process.on("SIGTERM", () => { console.log("asked", ++n); setTimeout(() => process.exit(), 300) }); console.log("ready"); setInterval(() => {}, 1000)';
    const run = begin([process.execPath, '-e', code]);
    await run.line(/ready/);
    run.cancel();
    await expect(run.outcome).rejects.toThrow('cancelled');
    expect(run.lines.filter((line) => line.includes('asked'))).toEqual(['OUTPUT asked 1']);
  });

  it('is found in another group and another session too', async () => {
    const { script } = await withCommands();
    const run = script(scattered);
    await run.line(/^ids/);
    await untilNobody(async () => ((await leftOf([run.runId])).length === 5 ? [] : [0]));
    run.cancel();
    await expect(run.outcome).rejects.toThrow('cancelled');
    expect(await leftOf([run.runId])).toEqual([]);
  });

  it('is killed even if it has stopped its whole group, the warden too', async () => {
    const { script } = await withCommands();
    const run = script('echo ready; kill -STOP 0');
    await run.line(/ready/);
    run.cancel();
    await expect(run.outcome).rejects.toThrow('cancelled');
    expect(await leftOf([run.runId])).toEqual([]);
  });

  it('before it has begun does not begin', async () => {
    const { executor, sh } = await withCommands();
    const controller = new AbortController();
    const lines: string[] = [];
    const runId = freshRunId();
    const run = executor.execute(
      { id: 's1', kind: 'command', argv: [sh, '-c', 'echo ran'] },
      {
        ...{ runId, target: null, signal: controller.signal },
        log: (_level, line) => lines.push(line),
        note: async () => controller.abort(new Error('too late')),
      },
    );
    await expect(run).rejects.toThrow('too late');
    expect(lines).toEqual([]);
    expect(await leftOf([runId])).toEqual([]);
  });

  it('because of its own timeout fails, and keeps its result', async () => {
    const { script } = await withCommands();
    const run = script(`echo some; ${stubborn}`, { timeout_s: 1 });
    const { result, error } = await run.outcome;
    expect(error).toMatch(/^The command took longer than 1 seconds and was ended\./);
    expect(CommandResult.parse(result)).toMatchObject({ exit_code: null, signal: 'SIGKILL' });
    expect(run.lines).toContain('OUTPUT some');
    expect(await leftOf([run.runId])).toEqual([]);
  });
});

describe('a command that has ended', () => {
  it('leaves nobody: a child in the background ends with it', async () => {
    const { script } = await withCommands();
    const run = script('sleep 600 & (trap "" TERM; sleep 600) & setsid sleep 600 & echo "ids $!"');
    const { error } = await run.outcome;
    expect(error).toBeUndefined();
    expect(await leftOf([run.runId])).toEqual([]);
  });

  it('does not wait for a process that has escaped with its output', async () => {
    const { script } = await withCommands();
    const run = script('env -i setsid sleep 600 & echo "ids $!"; sleep 0.3');
    const [escaped = 0] = idsIn((await run.line(/^ids/)).input);
    onTestFinished(() => void process.kill(escaped, 'SIGKILL'));
    const { error } = await run.outcome;
    expect(error).toBeUndefined();
    expect(run.lines.join()).toContain('could not be read to its end');
  });

  it('whose warden was killed is ended too, and fails', async () => {
    const { script } = await withCommands();
    const run = script(stubborn);
    const [me, ids] = await Promise.all([run.line(/^me/), run.line(/^ids/)]);
    process.kill(Trace.parse(run.notes[0]).pid, 'SIGKILL');
    expect((await run.outcome).error).toBe('The command was ended by the signal SIGKILL.');
    expect(await alive([...idsIn(me.input), ...idsIn(ids.input)])).toEqual([]);
  });
});

describe('when the server dies', () => {
  it('the whole family of a command is gone soon, with nobody to start anything', async () => {
    const { root, sh } = await withCommands();
    const host = await startHost(root, sh, [stubborn]);
    const pids = (await host.said(2)).flatMap(idsIn);
    const { pid: warden } = Trace.parse(host.traces()[0]);
    expect(await alive([...pids, warden])).toHaveLength(4);
    await host.kill();
    const took = await untilNobody(() => alive([...pids, warden]));
    expect(await leftOf(host.runIds)).toEqual([]);
    console.log(`a family that ignores SIGTERM was gone ${took.toFixed(0)} ms after its server`);
  });

  it('and the warden with it, the next server ends what is left, and says what is known', async () => {
    const { root, sh, executor } = await withCommands();
    const host = await startHost(root, sh, [`setsid sleep 600 & ${stubborn}`]);
    const pids = (await host.said(2)).flatMap(idsIn);
    const [trace] = host.traces();
    const { pid: warden } = Trace.parse(trace);
    // Stopped, so that it cannot do its work when the server is gone.
    process.kill(warden, 'SIGSTOP');
    await host.kill();
    process.kill(warden, 'SIGKILL');
    expect(await alive(pids)).toEqual(pids);
    const [runId = ''] = host.runIds;
    const became = await executor.settle?.(runId, 's1', trace);
    expect(became).toMatch(/^The command may have done part of its work/);
    expect(await alive(pids)).toEqual([]);
    expect(await leftOf([runId])).toEqual([]);
    expect(await executor.settle?.(runId, 's1', trace)).toBe(became);
  });

  it('a warden that hangs is ended by the next server, with its group', async () => {
    const { root, sh, executor } = await withCommands();
    // Without the mark, so that only the group tells.
    const host = await startHost(root, sh, ['exec env -i sh -c \'echo "me $$"; sleep 600\'']);
    const pids = (await host.said(1)).flatMap(idsIn);
    const [trace] = host.traces();
    process.kill(Trace.parse(trace).pid, 'SIGSTOP');
    await host.kill();
    expect(await alive(pids)).toEqual(pids);
    await executor.settle?.(host.runIds[0] ?? '', 's1', trace);
    expect(await alive([...pids, Trace.parse(trace).pid])).toEqual([]);
  });
});

describe('settling a command', () => {
  it('never ends a stranger who has the process id now', async () => {
    const { executor } = await withCommands();
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    onTestFinished(async () => {
      stranger.kill('SIGKILL');
    });
    const pid = stranger.pid ?? 0;
    for (const started of ['1', null]) {
      await executor.settle?.(freshRunId(), 's1', { pid, started });
      expect(await alive([pid])).toEqual([pid]);
    }
  });

  it('that had noted nothing says that it had not begun', async () => {
    const { executor } = await withCommands();
    for (const trace of [undefined, null])
      expect(await executor.settle?.(freshRunId(), 's1', trace)).toContain('had not begun');
  });
});

describe('the list of processes', () => {
  it('ends a family that always begins the next process and ends', async () => {
    const next = 'sh -c "$NEXT" &';
    const env = { PATH: process.env.PATH, NEXT: next };
    for (let n = 0; n < 10; n++) {
      const chain = spawn('sh', ['-c', next], { detached: true, stdio: 'ignore', env });
      const group = chain.pid ?? 0;
      expect(await endFamily({ group, mark: 'GIMO_RUN_ID=none' }, 0)).toEqual([]);
      const { running } = await listed(['-A']);
      expect(running.filter((one) => one.group === group)).toEqual([]);
    }
  });

  it('is the same from ps, where there is no /proc', async () => {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    onTestFinished(async () => {
      child.kill('SIGKILL');
    });
    const pid = child.pid ?? 0;
    const all = await listed(['-A']);
    const found = all.running.find((one) => one.pid === pid);
    expect(found).toMatchObject({ pid, group: pid, session: null });
    expect((await listed(['-p', String(pid)])).running).toEqual([found]);
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect((await listed(['-p', String(pid)])).running).toEqual([]);
  });
});
