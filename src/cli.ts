import packageJson from '../package.json' with { type: 'json' };
import { mindBrokenPipes } from './cli/pipes.ts';
import { createProgram } from './cli/program.ts';
import { readCliToken, readServer } from './store/discovery.ts';
import { configHome, dataDirOf, ledgerDir } from './store/paths.ts';
import { readLedgerMac } from './store/proof.ts';

const exit = (code: number) => process.exit(code);
mindBrokenPipes(process.stdout, process.stderr, exit);

/* The composition root of the command line. The server is loaded only when one is started. */
const program = createProgram({
  startHost: async (options) => (await import('./http/host.ts')).startHost(options),
  ledger: { configHome, dataDirOf, ledgerDir, readServer, readCliToken, readLedgerMac },
  realPath: async (root, program) => {
    const { createPrograms } = await import('./execution/programs.ts');
    return createPrograms({ root, env: process.env }).realPath(program);
  },
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  version: packageJson.version,
  now: Date.now,
  signals: process,
  exit,
});

process.exitCode = await program.run(process.argv.slice(2));
