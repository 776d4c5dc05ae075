import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';

/* The real server in a process of its own, as `npm run build` left it, and a bare one beside it. */

const cli = join(import.meta.dirname, '../../dist/cli.js');
const watch = join(import.meta.dirname, 'watch.mjs');
const token = 'a-token-that-is-only-for-the-bench';
const Listening = z.object({ event: z.literal('listening'), url: z.string(), pid: z.int() });
const Watched = z.object({ stall_ms: z.number(), rss_mb: z.number() });

/** A place with so many drafts on disk, as another program could have left them. */
export function makePlace(drafts = 0) {
  const dir = mkdtempSync(join(tmpdir(), 'gimo-bench-'));
  const folder = join(dir, 'work', '.orch_data', 'ops', 'drafts');
  mkdirSync(folder, { recursive: true });
  for (let n = 0; n < drafts; n += 1) {
    const id = `d_${1_700_000_000_000 + n}_00000a`;
    const status = ['draft', 'rejected', 'approved', 'error'][n % 4];
    const at = new Date(1_700_000_000_000 + n).toISOString();
    const record = {
      id,
      prompt: `Tidy up part ${n}`,
      content: 'c'.repeat(400),
      status,
      created_at: at,
    };
    writeFileSync(join(folder, `${id}.json`), JSON.stringify(record));
  }
  return {
    root: join(dir, 'work'),
    home: join(dir, 'home'),
    remove: () => rmSync(dir, { recursive: true }),
  };
}
export type Place = ReturnType<typeof makePlace>;

/** Starts the server on a place. `startedMs` is from the start of the process to the line that says it listens. */
export async function serve({ root, home }: Place) {
  const began = performance.now();
  const args = ['--import', watch, cli, 'serve', '--root', root, '--port', '0'];
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, GIMO_CONFIG_HOME: home, ORCH_TOKEN: token },
    ...{ GIMO_FIRST_PROVIDER: 'offline', ORCH_RATE_LIMIT_PER_MIN: '1000000' },
  };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
  const [line]: unknown[] = await once(
    createInterface({ input: child.stdout ?? process.stdin }),
    'line',
  );
  const { url, pid } = Listening.parse(JSON.parse(String(line)));
  return {
    ...{ url, pid, token, startedMs: performance.now() - began },
    client: createClient(httpTransport(url, token)),
    /** The longest stall of its event loop since the last question, and its memory now. */
    async watched() {
      child.send('tell');
      const [told]: unknown[] = await once(child, 'message');
      return Watched.parse(told);
    },
    stop: () => stopped(child),
  };
}
export type Served = Awaited<ReturnType<typeof serve>>;

async function stopped(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** A bare server that answers every request with the same JSON. */
export async function serveBare(body: string) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The bare server has no port.');
  return { url: `http://127.0.0.1:${address.port}`, stop: () => server.close() };
}
