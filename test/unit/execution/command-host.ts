/*
 * A process that runs commands, as a server does, for tests that kill it: `node command-host.ts <folder> <script>…`, the
 * folder being the workspace, each script one of sh. It prints a JSON line for each line of the log, and for each note.
 */
import { createCommandExecutor } from '../../../src/execution/command.ts';
import { createPrograms } from '../../../src/execution/programs.ts';

const [root = '', sh = '', ...commands] = process.argv.slice(2);
const tell = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const executor = createCommandExecutor({
  ...{ root, env: process.env, programs: createPrograms({ root, env: process.env }) },
  config: () => ({ command_allowlist: [{ program: sh, args_prefix: [] }] }),
});

await Promise.all(
  commands.map(async (command) => {
    const [runId = '', script = ''] = command.split('\n');
    const outcome = await executor.execute(
      { id: 's1', kind: 'command', argv: [sh, '-c', script] },
      {
        ...{ runId, target: null, signal: new AbortController().signal },
        log: (_level, message) => tell({ runId, message }),
        note: async (trace) => void tell({ runId, trace }),
      },
    );
    tell({ runId, outcome });
  }),
);
