import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandResult } from '../../../src/contract/records.ts';
import { mostLogged } from '../../../src/execution/output.ts';
import { programOf, withCommands } from './command-support.ts';

const resultOf = ({ result }: { result: unknown }) => CommandResult.parse(result);

describe('a command', () => {
  it('runs with its arguments as they are, and both its outputs are logged', async () => {
    const { begin, sh } = await withCommands();
    const script = 'printf "%s\\n" "$@"; echo bad >&2';
    const run = begin([sh, '-c', script, 'x', 'a b', '$(id)', '*', '"', 'é\u{1F600}']);
    const outcome = await run.outcome;
    expect(outcome.error).toBeUndefined();
    expect(resultOf(outcome)).toMatchObject({ exit_code: 0, signal: null, output_cut: false });
    expect(run.lines.filter((line) => line.startsWith('OUTPUT'))).toEqual([
      ...['OUTPUT a b', 'OUTPUT $(id)', 'OUTPUT *', 'OUTPUT "', 'OUTPUT é\u{1F600}'],
    ]);
    expect(run.lines).toContain('STDERR bad');
  });

  it('has the group and its start noted before anything runs, and not run if that fails', async () => {
    const { executor, sh, root } = await withCommands();
    const refused = new Error('the run is over');
    const run = executor.execute(
      { id: 's1', kind: 'command', argv: [sh, '-c', 'echo ran > ran'] },
      {
        ...{ runId: 'r_1_aaaaaa', target: null, signal: new AbortController().signal },
        log: () => {},
        note: () => Promise.reject(refused),
      },
    );
    await expect(run).rejects.toBe(refused);
    expect(await readdir(root)).toEqual([]);
  });

  it('that ends with another code than 0 fails, and keeps its result', async () => {
    const { script } = await withCommands();
    const outcome = await script('echo some; exit 3').outcome;
    expect(outcome.error).toBe('The command ended with exit code 3.');
    expect(resultOf(outcome)).toMatchObject({ exit_code: 3, signal: null, output_bytes: 5 });
  });

  it('that a signal ends fails, and names the signal', async () => {
    const { script } = await withCommands();
    const outcome = await script('kill -SEGV $$').outcome;
    expect(outcome.error).toBe('The command was ended by the signal SIGSEGV.');
    expect(resultOf(outcome)).toMatchObject({ exit_code: null, signal: 'SIGSEGV' });
  });

  it('reads nothing from anybody', async () => {
    const { script } = await withCommands();
    const run = script('cat; echo "end of input"');
    expect((await run.outcome).error).toBeUndefined();
    expect(run.lines).toEqual(['OUTPUT end of input']);
  });

  it('gets an environment of a few known names, with nothing of the server', async () => {
    const { begin } = await withCommands({
      ...{ PATH: process.env.PATH, HOME: '/home/somebody', LANG: 'C', LC_TIME: 'C', TZ: 'UTC' },
      ...{ NODE_OPTIONS: '--no-warnings', ORCH_TOKEN: 'x', VSCODE_PID: '1', SECRET: 'x' },
      ...{ ELECTRON_RUN_AS_NODE: '1', CI: '1', LD_PRELOAD: '', GIMO_AGENT_TOKEN: 'x' },
      ...{ GIMO_RUN_ID: 'r_0_000000' },
    });
    const run = begin([process.execPath, '-e', 'console.log(Object.keys(process.env).join())']);
    await run.outcome;
    const names = run.lines[0]?.replace('OUTPUT ', '').split(',').sort();
    expect(names).toEqual(['GIMO_RUN_ID', 'HOME', 'LANG', 'LC_TIME', 'PATH', 'TERM', 'TZ']);
  });

  it('holds no descriptor of the warden', async () => {
    const { begin } = await withCommands();
    const code =
      'for (const fd of [3, 4]) try { fs.writeSync(fd, `{"exit_code":0,"signal":null}\\n`) } catch {}; process.exit(7)';
    expect((await begin([process.execPath, '-e', code]).outcome).error).toContain('exit code 7');
  });

  it('that kills its whole group ends, and fails', async () => {
    const { script } = await withCommands();
    const outcome = await script('kill -KILL 0').outcome;
    expect(outcome.error).toBe('The command was ended by the signal SIGKILL.');
  });
});

describe('where a command runs', () => {
  it('is the workspace, or a folder in it', async () => {
    const { script, root } = await withCommands();
    await mkdir(join(root, 'sub'));
    const cwds = [undefined, '.', 'sub', './sub/../sub/', join(root, 'sub')];
    for (const [at, cwd] of cwds.entries()) {
      const run = script('pwd -P', cwd === undefined ? {} : { cwd });
      await run.outcome;
      expect(run.lines).toEqual([`OUTPUT ${at < 2 ? root : join(root, 'sub')}`]);
    }
  });

  it.each([
    ['..', 'outside of the workspace'],
    ['/', 'outside of the workspace'],
    ['../work-2', 'outside of the workspace'],
    ['link-out', 'outside of the workspace'],
    ['.git', 'belongs to git'],
    ['.git/hooks', 'belongs to git'],
    ['.GIT', 'belongs to git'],
    ['link-git', 'belongs to git'],
    ['sub/.git', 'belongs to git'],
    ['.orch_data/ops', 'belongs to git or to GIMO'],
    ['file', 'not a folder'],
    ['missing', 'no folder'],
    ['sub\0', 'no folder'],
  ])('is never %j', async (cwd, why) => {
    const { script, root, dir } = await withCommands();
    for (const made of ['.git/hooks', '.GIT', 'sub/.git', '.orch_data/ops'])
      await mkdir(join(root, made), { recursive: true });
    await mkdir(join(dir, 'work-2'));
    await symlink(dir, join(root, 'link-out'));
    await symlink('.git/hooks', join(root, 'link-git'));
    await writeFile(join(root, 'file'), '');
    const refused = script('true', { cwd }).outcome;
    await expect(refused).rejects.toMatchObject({ code: 'path_refused' });
    await expect(refused).rejects.toThrow(why);
  });
});

describe('a command is refused when it is about to run', () => {
  const refuses = async (run: Promise<unknown>, why: string) => {
    await expect(run).rejects.toMatchObject({ code: 'step_unsupported' });
    await expect(run).rejects.toThrow(why);
  };

  it('if it is not on the allowlist any more', async () => {
    const { script, config } = await withCommands();
    config.command_allowlist = [];
    await refuses(script('true').outcome, 'not on the list');
  });

  it('if its program is a name, or a link by now', async () => {
    const { begin, config, dir } = await withCommands();
    await refuses(begin(['sh', '-c', 'true']).outcome, 'absolute path');
    const link = join(dir, 'tool');
    await symlink(await programOf('true'), link);
    config.command_allowlist = [{ program: link, args_prefix: [] }];
    await refuses(begin([link]).outcome, 'leads to');
  });

  it('if its program lies in the workspace', async () => {
    const { begin, config, root } = await withCommands();
    const program = join(root, 'tool');
    await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
    config.command_allowlist = [{ program, args_prefix: [] }];
    await refuses(begin([program]).outcome, 'lies in the workspace');
  });

  it('if its program is missing, a folder, or may not be executed', async () => {
    const { begin, config, dir } = await withCommands();
    const plain = join(dir, 'plain');
    await writeFile(plain, '#!/bin/sh\n', { mode: 0o644 });
    for (const program of [join(dir, 'missing'), plain, dir]) {
      config.command_allowlist = [{ program, args_prefix: [] }];
      await refuses(begin([program]).outcome, 'cannot be run');
    }
  });

  it('if its arguments cannot be handed over as they were approved', async () => {
    const { begin, sh } = await withCommands();
    for (const odd of ['a\0b', '\ud800'])
      await refuses(begin([sh, '-c', 'true', odd]).outcome, 'null character or half a character');
  });

  it('by the system: it says why, and nobody is left', async () => {
    const { begin, config, dir, sh } = await withCommands();
    const program = join(dir, 'tool');
    await writeFile(program, '#!/no/such/interpreter\n');
    await chmod(program, 0o755);
    config.command_allowlist = [program, sh].map((one) => ({ program: one, args_prefix: [] }));
    await refuses(begin([program]).outcome, 'interpreter');
    await refuses(begin([sh, '-c', 'true', 'x'.repeat(4_000_000)]).outcome, 'too long');
  });
});

describe('the output of a command', () => {
  it('of a gigabyte is counted to the last byte, and fills neither log nor memory', async () => {
    const { script } = await withCommands();
    const before = process.memoryUsage.rss();
    const run = script('head -c 700000000 /dev/zero; yes | head -c 300000000');
    const outcome = await run.outcome;
    const grown = process.memoryUsage.rss() - before;
    expect(resultOf(outcome)).toMatchObject({ output_bytes: 1_000_000_000, output_cut: true });
    expect(run.lines.join('\n').length).toBeLessThan(mostLogged.bytes + 1000);
    expect(grown).toBeLessThan(300_000_000);
  });

  it('that is one line of 10 MB breaks nothing', async () => {
    const { begin } = await withCommands();
    const code = 'process.stdout.write("x".repeat(1e7) + "\\nend\\n")';
    const run = begin([process.execPath, '-e', code]);
    const outcome = await run.outcome;
    expect(outcome.error).toBeUndefined();
    expect(resultOf(outcome)).toMatchObject({ output_bytes: 1e7 + 5, output_cut: true });
    expect(run.lines).toHaveLength(1);
    expect(run.lines[0]).toContain('further output is left out');
  });

  it('that is no text breaks nothing', async () => {
    const { begin } = await withCommands();
    const code =
      'process.stdout.write(Buffer.from(Array.from({ length: 65536 }, (_, n) => n & 255)))';
    const run = begin([process.execPath, '-e', code]);
    const outcome = await run.outcome;
    expect(outcome.error).toBeUndefined();
    expect(resultOf(outcome)).toMatchObject({ output_bytes: 65_536, output_cut: false });
    expect(run.lines.every((line) => line.isWellFormed())).toBe(true);
  });

  it('arrives while the command runs', async () => {
    const { script, dir } = await withCommands();
    const go = join(dir, 'go');
    const run = script(`echo first; while [ ! -e ${go} ]; do sleep 0.01; done; echo last`);
    await run.line(/first/);
    await writeFile(go, '');
    await run.outcome;
    expect(run.lines).toEqual(['OUTPUT first', 'OUTPUT last']);
  });

  it('lets others have their turn, however many lines there are', async () => {
    const { executor, sh } = await withCommands();
    let inOneGo = 0;
    let most = 0;
    let beat: NodeJS.Immediate | undefined;
    const tick = () => {
      inOneGo = 0;
      beat = setImmediate(tick);
    };
    tick();
    await executor.execute(
      { id: 's1', kind: 'command', argv: [sh, '-c', 'yes "" | head -c 300000'] },
      {
        ...{ runId: 'r_1_aaaaaa', target: null, signal: new AbortController().signal },
        log: () => {
          inOneGo += 1;
          most = Math.max(most, inOneGo);
        },
        note: async () => {},
      },
    );
    clearImmediate(beat);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(4096);
  });
});
