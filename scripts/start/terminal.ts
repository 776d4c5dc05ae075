import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, type Places, startEnv } from './places.ts';
import { whenToStop } from './stopping.ts';

const usualPort = 9325;

/** Runs the server without an editor, and tells the commands for a second terminal. Ends with it. */
export async function startInTerminal({ root, sample }: Places): Promise<void> {
  const built = spawnSync(process.execPath, [path.join(root, 'esbuild.mjs')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error('GIMO could not be built. See above.');
  const port = await freePort(usualPort);
  const server = spawn(
    process.execPath,
    [path.join(root, 'dist', 'cli.js'), 'serve', '--root', sample, '--port', String(port)],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...startEnv },
      // A process group of its own: Ctrl-C reaches it once, from here.
      detached: true,
    },
  );
  server.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
  whenToStop(() => server.kill('SIGTERM'));
  createInterface({ input: server.stderr }).on('line', showLog);
  for await (const line of createInterface({ input: server.stdout })) {
    const { event, url } = fieldsOf(line) ?? {};
    if (event === 'listening') tell(String(url), root, sample);
    else console.log(line);
  }
}

/** Shows the server's log in short, without the requests. */
function showLog(line: string): void {
  const entry = fieldsOf(line);
  if (entry === null) console.error(line);
  else if (entry.level !== 'debug') console.error(`${entry.level}: ${entry.message}`);
}

/** The fields of a line that holds a JSON object, or null. */
function fieldsOf(line: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(line);
    return typeof found === 'object' && found !== null ? { ...found } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function tell(url: string, root: string, sample: string): void {
  const gimo = `node ${path.relative(sample, path.join(root, 'dist', 'cli.js'))}`;
  console.log(`
GIMO runs at ${url} on a sample repository.
No model is needed: the offline provider answers from the files. In a second terminal:

  cd ${path.relative(root, sample)}
  ${gimo} generate "Explain how the tests are started"   asks for a proposal
  ${gimo} drafts                                         shows what waits
  ${gimo} approve <draft id> --run                       says yes to exactly that, and runs it
  ${gimo} runs                                           shows what ran
  ${gimo} logs -f <run id>                               follows its log

Ctrl-C here stops it. What it wrote stays.`);
}
