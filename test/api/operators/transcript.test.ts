import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place } from '../cli/support.ts';
import { connect } from '../mcp/support.ts';
import { overActions } from './actions.ts';
import { overMcp } from './mcp.ts';
import { masked, type Told, withTold } from './page.ts';
import { atTheTerminal } from './terminal.ts';
import { curlHome, openTunnel, type Tunnel } from './tunnel.ts';

/*
 * What docs/OPERATORS.md shows is what happens. To write it anew, run this with GIMO_TRANSCRIPTS=write, and then the host
 * level (test/host/transcript.test.ts) with the same for the part of the editor.
 */

const file = join(import.meta.dirname, '../../../docs/OPERATORS.md');
const writing = process.env.GIMO_TRANSCRIPTS === 'write';
/* Milliseconds. Each line is a process of its own, and the machine may be busy. */
const patience = { timeout: 120_000 };

let dir: string;
let place: Place;
let tunnel: Tunnel;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-operators-'));
  const made = await makePlace(dir, { publicUrl: () => tunnel?.url ?? null });
  tunnel = await openTunnel({ to: () => made.server.host.port, dir });
  place = { ...made, env: { ...made.env, CURL_HOME: await curlHome(tunnel, dir) } };
  const { server } = made;
  const agent = server.host.token('agent');
  await writeFile(join(server.root, 'agent.token'), `${agent}\n`);
  await writeFile(join(server.root, 'auth'), `Authorization: Bearer ${agent}\n`);
});
afterAll(async () => {
  await tunnel?.close();
  await place?.server.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** Writes what was told, or checks that the page says so. No token is ever in it. */
async function keep(told: Told) {
  const { server } = place;
  for (const role of ['actions', 'agent', 'operator', 'admin'] as const)
    expect(told.transcript).not.toContain(server.host.token(role));
  const places = { [server.root]: '~/app', [dir]: '~' };
  const page = await readFile(file, 'utf8');
  const now = withTold(page, { ...told, transcript: masked(told.transcript, places) });
  if (writing) await writeFile(file, now);
  else expect(now).toBe(page);
}

describe('the main job, and what was refused, is as docs/OPERATORS.md shows it', () => {
  test('at the terminal', patience, async () => keep(await atTheTerminal(place)));
  test('by curl, as a client of ChatGPT Actions', patience, async () =>
    keep(await overActions(place)),
  );
  test('by the official MCP client', patience, async () =>
    keep(await overMcp(place.server, await connect(place.server, 'agent'))),
  );
});
