import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { openStore } from '../../src/store/store.ts';
import { measureEditor } from './editor.ts';
import { type Figure, figuresTable, inTurns, median, ms, tableOf, timed } from './measure.ts';
import { measureMutations, measureReads, measureTogether, scratch } from './mutations.ts';
import { makePlace, type Served, serve, serveBare } from './server.ts';

/*
 * `npm run bench`: prints figures beside something else that was measured in the same run, in turns with it, so that a
 * slow machine slows both. It fails nobody. `npm run bench -- --write` keeps them in docs/PERFORMANCE.md; `--quick`
 * measures less of everything.
 */

const quick = process.argv.includes('--quick');
const rounds = quick ? 15 : 60;
const sizes = quick ? [100, 1000] : [100, 10_000, 100_000];
const seconds = quick ? 2 : 5;
const told: string[] = [];
const tell = (text: string) => {
  told.push(text);
  console.log(`${text}\n`);
};

const pages = {
  'first page (50, summary)': '/ops/drafts?limit=50&view=summary',
  'first page of what waits': '/ops/drafts?limit=50&view=summary&status=draft',
} as const;

/** Lists with few and with many records on disk, from a cold start on. */
async function lists() {
  const figures: Figure[] = [];
  const starts: string[][] = [];
  for (const size of sizes) {
    const place = makePlace(size);
    const server = await serve(place);
    const headers = { authorization: `Bearer ${server.token}` };
    const get = async (path: string) => (await fetch(`${server.url}${path}`, { headers })).text();
    const first = await timed(() => get(pages['first page (50, summary)']));
    const filtered = await timed(() => get(pages['first page of what waits']));
    // It counts all states, so it is answered when the index is built.
    const counted = await timed(() => get('/status'));
    const cold = await server.watched();
    for (const [name, path] of Object.entries(pages)) {
      const bare = await serveBare(await get(path));
      const work = () => get(path);
      const floor = async () => (await fetch(bare.url)).text();
      const beside = 'a bare server, the same bytes';
      const label = `${name}, ${size.toLocaleString('en')} on disk`;
      figures.push(...(await inTurns(rounds, [{ name: label, work, floor, beside }])));
      bare.stop();
    }
    const warm = await server.watched();
    starts.push([
      ...[size.toLocaleString('en'), ms(server.startedMs), ms(first), ms(filtered), ms(counted)],
      ...[ms(cold.stall_ms), ms(warm.stall_ms), `${warm.rss_mb.toFixed(0)} MiB`],
    ]);
    await server.stop();
    place.remove();
  }
  tell(`### Lists, warm\n\n${figuresTable(figures)}`);
  const head = ['drafts on disk', 'start to listening', 'first page', 'first filtered page'];
  const rest = [
    'until all are counted',
    'longest stall of the event loop, start included',
    'and when warm',
    'memory',
  ];
  tell(`### From a cold start\n\n${tableOf([...head, ...rest], starts)}`);
}

interface Load {
  name: string;
  url: string;
  token?: string;
  path: string;
  body?: () => string;
}

async function cannon({ url, token, path, body }: Load, connections: number) {
  const post = body === undefined ? {} : { method: 'POST' as const, body: body() };
  const result = await autocannon({
    ...{ url: `${url}${path}`, connections, duration: seconds, ...post },
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  if (result.non2xx + result.errors > 0)
    throw new Error(`${path}: ${result.non2xx} refusals, ${result.errors} errors`);
  return { perSecond: result.requests.average, p50: result.latency.p50 };
}

/** Requests a second with one connection and with ten. */
async function load(server: Served, path: string) {
  const bare = await serveBare(
    await (
      await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}` } })
    ).text(),
  );
  const { url, token } = server;
  const body = () => JSON.stringify({ prompt: 'p'.repeat(500) });
  const loads: Load[] = [
    { name: 'a bare server', url: bare.url, path: '/' },
    { name: 'GET one draft', url, token, path },
    { name: 'GET /status', url, token, path: '/status' },
    { name: 'GET /ops/drafts?limit=50', url, token, path: '/ops/drafts?limit=50&view=summary' },
    { name: 'POST /ops/drafts', url, token, path: '/ops/drafts', body },
  ];
  const rows: string[][] = [];
  for (const one of loads) {
    const [alone, ten] = [await cannon(one, 1), await cannon(one, 10)];
    const { stall_ms } = await server.watched();
    rows.push([
      ...[one.name, `${alone.perSecond.toFixed(0)}/s`, `${ten.perSecond.toFixed(0)}/s`],
      one.url === url ? ms(stall_ms) : '',
    ]);
  }
  bare.stop();
  const head = ['request', '1 connection', '10 connections', 'longest stall'];
  tell(`### Under load\n\n${tableOf(head, rows)}`);
}

/** What others feel while one client lists everything. */
async function mixed() {
  const place = makePlace(quick ? 1000 : 10_000);
  const server = await serve(place);
  const headers = { authorization: `Bearer ${server.token}` };
  const get = async (path: string) => (await fetch(`${server.url}${path}`, { headers })).text();
  await get('/ops/drafts');
  const alone: number[] = [];
  for (let n = 0; n < rounds; n += 1) alone.push(await timed(() => get('/status')));
  await server.watched();
  let over = false;
  const lister = (async () => {
    while (!over) await get('/ops/drafts?limit=1000');
  })();
  const beside: number[] = [];
  for (let n = 0; n < rounds; n += 1) beside.push(await timed(() => get('/status')));
  over = true;
  await lister;
  const { stall_ms } = await server.watched();
  await server.stop();
  place.remove();
  const rows = [[ms(median(alone)), ms(median(beside)), ms(Math.max(...beside)), ms(stall_ms)]];
  const head = [
    'GET /status alone',
    'while one client lists 1,000 at a time',
    'the slowest of these',
  ];
  tell(`### Mixed\n\n${tableOf([...head, 'longest stall'], rows)}`);
}

/** Appending to a log that is short, and to one that is long. */
async function logs() {
  const dir = scratch();
  const store = await openStore({
    dataDir: join(dir, '.orch_data'),
    fence: () => undefined,
    logger: { log: () => {} },
  });
  const line = (n: number) => ({
    ts: new Date(n).toISOString(),
    level: 'OUTPUT',
    msg: 'm'.repeat(80),
  });
  const took: number[] = [];
  for (let n = 0; n < 10_050; n += 1)
    took.push(await timed(() => store.runLogs.append('r_1700000000000_00000a', [line(n)])));
  await store.close();
  rmSync(dir, { recursive: true });
  const [early, late] = [median(took.slice(5, 55)), median(took.slice(-50))];
  const rows = [
    ['about the 10th line', ms(early)],
    ['about the 10,000th line', ms(late)],
  ];
  tell(`### A line of a log\n\n${tableOf(['appending', 'median'], rows)}`);
}

async function main() {
  const place = makePlace();
  tell(`### Mutations\n\n${figuresTable(await measureMutations(place, rounds))}`);
  const together = (await measureTogether(place, 100)).map(({ drafts, synced }) => {
    return [drafts, synced.files, synced.folders].map(String);
  });
  const head = ['new drafts at once', 'files synced', 'folders synced'];
  tell(`### Mutations together\n\n${tableOf(head, together)}`);
  const server = await serve(place);
  const { id } = await server.client.call('createDraft', { prompt: 'p'.repeat(500) });
  const path = `/ops/drafts/${id}`;
  const reads = await measureReads(server.url, server.token, path, rounds * 4);
  tell(`### Reads\n\n${figuresTable(reads)}`);
  await load(server, path);
  await server.stop();
  place.remove();
  await mixed();
  await lists();
  await logs();
  const seen = await measureEditor(quick ? 1000 : 10_000, quick ? 2 : 5);
  const drafts = (quick ? 1000 : 10_000).toLocaleString('en');
  tell(`### In the workbench, with ${drafts} drafts\n\n${tableOf(['what', 'median'], seen)}`);
}

await main();
if (process.argv.includes('--write')) {
  const file = new URL('../../docs/PERFORMANCE.md', import.meta.url);
  const mark = '<!-- figures -->\n';
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, `${text.slice(0, text.indexOf(mark) + mark.length)}\n${told.join('\n\n')}\n`);
}
