import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeSample } from '../../../scripts/sample.ts';
import { ErrorCodeSchema, errorStatus } from '../../../src/contract/errors.ts';
import { atTerminal, makePlace, type Place, run } from '../cli/support.ts';
import { whenEnded } from '../runs/support.ts';
import { curlHome, openTunnel, type Tunnel } from './tunnel.ts';

const page = await readFile(join(import.meta.dirname, '../../../docs/actions.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);

let dir: string;
let place: Place;
let tunnel: Tunnel;
let outputs: Map<string, string>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-actions-docs-'));
  const url = () => tunnel?.url ?? null;
  await makeSample(join(dir, 'work'));
  const made = await makePlace(dir, { publicUrl: url });
  tunnel = await openTunnel({ to: () => made.server.host.port, dir });
  place = { ...made, env: { ...made.env, CURL_HOME: await curlHome(tunnel, dir) } };
  outputs = new Map();
});
afterAll(async () => {
  await tunnel?.close();
  await place?.server.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** The page's ids as those of the newest records. */
async function withIds(text: string): Promise<string> {
  const { client } = place.server.host;
  const [draft] = await client.call('listDrafts', { limit: 1 });
  const [newest] = await client.call('listRuns', { limit: 1 });
  if (newest !== undefined) await whenEnded(place.server, newest.id);
  return text
    .replace(/\bd_\d+_[0-9a-f]+/g, draft?.id ?? 'd_none')
    .replace(/\br_\d+_[0-9a-f]+/g, newest?.id ?? 'r_none');
}

/* Milliseconds. Each command is a process of its own, and the machine may be busy. */
const patience = { timeout: 90_000 };

describe('every command of docs/actions.md works, through a tunnel', () => {
  for (const [at, text] of blocks.entries())
    test(`${at + 1}: ${text.split('\n')[0]}`, patience, async () => {
      const script = join(dir, 'block.sh');
      await writeFile(script, `set -euo pipefail\n${await withIds(text)}`);
      const { code, out } = await atTerminal(place, `bash '${script}'`, [
        { at: /Type yes/, type: 'yes\n', again: true },
      ]);
      expect(code, `${text}\n${out}`).toBe(0);
      outputs.set(text, out);
    });

  test('the document is for the token of the agent, at the public address', async () => {
    const text = await readFile(join(place.server.root, 'actions.json'), 'utf8');
    const { servers, paths } = z
      .looseObject({ servers: z.unknown(), paths: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(text));
    expect(servers).toEqual([{ url: 'https://gimo.example.com/actions' }]);
    expect(Object.keys(paths)).not.toContain('/ops/drafts/{draft_id}/approve');
    expect(paths['/ops/drafts']).toHaveProperty('post');
  });

  test('the refusal is the one that the page shows', () => {
    const [, shown = ''] = /^```json answer\n([\s\S]*?)^```$/m.exec(page) ?? [];
    const [, out = ''] = [...outputs].find(([text]) => text.includes('/approve\n')) ?? [];
    const [, answered = ''] = /(\{"detail".*\})/.exec(out) ?? [];
    const fixed = answered.replace(/"correlation_id":"[^"]+"/, '"correlation_id":"…"');
    expect(`${fixed}\n`).toBe(shown);
  });

  test('a token that was rotated is worth nothing', async () => {
    const { out } = await run(place, [
      ...['curl', '-s', '-H', '@auth', 'https://gimo.example.com/actions/status'],
    ]);
    expect(JSON.parse(out)).toMatchObject({ code: 'token_invalid' });
  });
});

test('every code on the page is one that there is, with its status', () => {
  const rows = [...page.matchAll(/^\| (\d{3}) (`[^|]+) \|/gm)];
  expect(rows.length).toBeGreaterThan(5);
  for (const [, status, names = ''] of rows)
    for (const [, name] of names.matchAll(/`(\w+)`/g))
      expect(errorStatus[ErrorCodeSchema.parse(name)], name).toBe(Number(status));
});
