import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { table } from '../../src/contract/operations.ts';
import { type Host, startHost } from '../../src/http/host.ts';

/*
 * `npm run bench`: prints figures beside something else that was measured in the same run, interleaved with it, so that
 * a slow machine slows both. It fails nobody.
 */

const rounds = 60;
const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const ms = (value: number) => `${value.toFixed(2)} ms`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Resolves with the time at which the run that is made next logs its first line of execution. */
function firstStep(host: Host): Promise<number> {
  return new Promise((resolve) => {
    const stop = host.onChange((event) => {
      if (event.type !== 'log' || event.id === null) return;
      const at = performance.now();
      void host.client.call('getRunLog', { run_id: event.id }).then(({ entries }) => {
        if (!entries.some((entry) => entry.msg === 'Execution started')) return;
        stop();
        resolve(at);
      });
    });
  });
}

/** Resolves when a run is over, so that its work does not weigh on what is measured next. */
async function ended(host: Host, runId: string): Promise<void> {
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      const stop = host.onChange((event) => {
        if (event.type !== 'run' || event.id !== runId) return;
        stop();
        resolve();
      });
    });
    const { finished_at } = await host.client.call('getRun', { run_id: runId });
    if (finished_at !== null) return;
    await changed;
  }
}

async function main() {
  const home = mkdtempSync(join(tmpdir(), 'gimo-bench-'));
  const root = mkdtempSync(join(tmpdir(), 'gimo-bench-root-'));
  const env = {
    GIMO_CONFIG_HOME: home,
    GIMO_FIRST_PROVIDER: 'offline',
    ORCH_RATE_LIMIT_PER_MIN: '1000000',
  };
  const host = await startHost({
    ...{ root, port: 0, hostedBy: 'headless', version: 'bench', env },
    logger: { log: () => {} },
  });
  const bytes = JSON.stringify(await host.client.call('createDraft', { prompt: 'p'.repeat(500) }));
  const bare = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(bytes);
  });
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  const address = bare.address();
  const bareUrl = typeof address === 'object' ? `http://127.0.0.1:${address?.port}/` : '';
  const client = createClient(httpTransport(host.url, host.token('admin')));
  const draft = await client.call('createDraft', { prompt: 'p'.repeat(500) });
  const said = await client.call('approveDraft', { draft_id: draft.id });
  const { approved } = table.approveDraft.output.parse(said);

  const got: Record<'bare' | 'read' | 'fsync' | 'create' | 'run', number[]> = {
    ...{ bare: [], read: [], fsync: [], create: [], run: [] },
  };
  const file = await open(join(root, 'floor'), 'w');
  for (let round = 0; round < rounds; round += 1) {
    got.bare.push(await timed(async () => (await fetch(bareUrl)).text()));
    got.read.push(await timed(() => client.call('getDraft', { draft_id: draft.id })));
    got.fsync.push(
      await timed(async () => {
        await file.write(bytes);
        await file.sync();
      }),
    );
    got.create.push(await timed(() => client.call('createDraft', { prompt: 'a draft' })));
    const began = performance.now();
    const first = firstStep(host);
    const { id } = await client.call('createRun', { approved_id: approved.id });
    got.run.push((await first) - began);
    await ended(host, id);
  }
  const { bare: floor, fsync } = got;
  console.log(`medians of ${rounds} interleaved rounds, one connection`);
  console.log(`bare server, same bytes       ${ms(median(floor))}`);
  console.log(
    `read one draft                ${ms(median(got.read))}  x${(median(got.read) / median(floor)).toFixed(1)} of the bare server`,
  );
  console.log(`one write and fsync           ${ms(median(fsync))}`);
  console.log(
    `create a draft                ${ms(median(got.create))}  x${(median(got.create) / median(fsync)).toFixed(1)} of one fsync`,
  );
  console.log(
    `POST of a run to first step   ${ms(median(got.run))}  x${(median(got.run) / median(fsync)).toFixed(1)} of one fsync`,
  );
  await file.close();
  bare.close();
  await host.stop();
  for (const dir of [home, root]) rmSync(dir, { recursive: true });
}

await main();
