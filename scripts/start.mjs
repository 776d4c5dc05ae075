/*
 * `npm start`: GIMO without an editor, on a sample repository, with the provider that needs no model. Ctrl-C stops it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { makeSample } from './sample.ts';

const root = path.dirname(import.meta.dirname);
const sample = path.join(root, '.vscode-test', 'sample');
const usualPort = 9325;

const built = spawnSync(process.execPath, [path.join(root, 'esbuild.mjs')], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (built.status !== 0) process.exit(1);
await makeSample(sample);

let stopping = false;
const port = (await isFree(usualPort)) ? usualPort : 0;
const server = spawn(
  process.execPath,
  [path.join(root, 'dist', 'cli.js'), 'serve', '--root', sample, '--port', String(port)],
  {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GIMO_FIRST_PROVIDER: 'offline' },
    // A process group of its own: Ctrl-C reaches it once, from here.
    detached: true,
  },
);
server.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
// Who ends npm ends only the shell between npm and us; then we have another parent.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stop(), 1000).unref();
createInterface({ input: server.stderr }).on('line', showLog);

for await (const line of createInterface({ input: server.stdout })) {
  const event = eventOf(line);
  if (event?.event === 'listening') tell(event.url);
  else console.log(line);
}

/** Once: npm passes on the Ctrl-C that the terminal sends as well, and a second signal would cut the stop short. */
function stop() {
  if (!stopping) server.kill('SIGTERM');
  stopping = true;
}

/** Shows the server's log in short, without the requests. */
function showLog(line) {
  const entry = eventOf(line);
  if (entry === undefined) console.error(line);
  else if (entry.level !== 'debug') console.error(`${entry.level}: ${entry.message}`);
}

function eventOf(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isFree(wanted) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function tell(url) {
  const here = path.relative(root, sample);
  const gimo = `node ${path.relative(sample, path.join(root, 'dist', 'cli.js'))}`;
  console.log(`
GIMO runs at ${url} on a sample repository.
No model is needed: the offline provider answers from the files. In a second terminal:

  cd ${here}
  ${gimo} generate "Explain how the tests are started"   asks for a proposal
  ${gimo} drafts                                         shows what waits
  ${gimo} approve <draft id> --run                       says yes to exactly that, and runs it
  ${gimo} runs                                           shows what ran
  ${gimo} logs -f <run id>                               follows its log

Ctrl-C here stops it. What it wrote stays.`);
}
