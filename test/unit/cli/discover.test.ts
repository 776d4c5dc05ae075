import { chmodSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../../src/cli/connect.ts';
import { discover, serverAbove } from '../../../src/cli/discover.ts';
import { proofText } from '../../../src/contract/proof.ts';
import {
  readCliToken,
  readServer,
  writeCliToken,
  writeServer,
} from '../../../src/store/discovery.ts';
import { ensureKey, macOf } from '../../../src/store/keys.ts';
import { configHome, dataDirOf, ledgerDir } from '../../../src/store/paths.ts';
import { readLedgerMac } from '../../../src/store/proof.ts';
import { startWire, token } from './wire.ts';

const reader = { configHome, dataDirOf, ledgerDir, readServer, readCliToken, readLedgerMac };
const temp = (name: string) => mkdtempSync(join(tmpdir(), name));

test('the server that the ledger on disk notes is found, proved and called', async () => {
  const [root, home] = [temp('gimo-root-'), temp('gimo-home-')];
  const env = { GIMO_CONFIG_HOME: home };
  const ledger = ledgerDir(home, dataDirOf(root));
  mkdirSync(dataDirOf(root));
  mkdirSync(ledger);
  const mac = macOf(await ensureKey(ledger));
  const wire = await startWire({ 'GET /ops/drafts': () => ({ body: [] }) }, (nonce, hostPort) => ({
    status: 'ok',
    proof: mac('proof', proofText(nonce, hostPort)),
  }));
  await writeCliToken(ledger, token);
  await writeServer(ledger, {
    ...{ url: wire.url, pid: process.pid, epoch: 1, started_at: '2026-11-23T12:00:00Z' },
    ...{ hosted_by: 'headless', version: '1.2.3', stopped: false },
  });
  const { client } = await connect({ ledger: reader, root, cwd: root, env });
  expect(await client.call('listDrafts', {})).toEqual([]);
  await wire.close();
});

test('a workspace that never had a server is left as it is', async () => {
  const [root, home] = [temp('gimo-root-'), temp('gimo-home-')];
  const env = { GIMO_CONFIG_HOME: home };
  expect(await discover(reader, root, env)).toBeNull();
  mkdirSync(dataDirOf(root));
  expect(await discover(reader, root, env)).toEqual({ server: null, token: null, mac: null });
  expect([readdirSync(home), readdirSync(dataDirOf(root))]).toEqual([[], []]);
});

test('the nearest folder above that has a server is found, past folders that have none', async () => {
  const [root, home] = [temp('gimo-root-'), temp('gimo-home-')];
  const env = { GIMO_CONFIG_HOME: home };
  const deep = join(root, 'src', 'deep');
  mkdirSync(deep, { recursive: true });
  mkdirSync(dataDirOf(root));
  mkdirSync(dataDirOf(join(root, 'src')));
  expect(await serverAbove(reader, deep, env)).toBeNull();
  await writeServer(ledgerDir(home, dataDirOf(root)), {
    ...{ url: 'http://127.0.0.1:9', pid: 1, epoch: 1, started_at: '2026-11-23T12:00:00Z' },
    ...{ hosted_by: 'headless', version: '1.2.3', stopped: true },
  });
  const found = { root, server: { url: 'http://127.0.0.1:9', stopped: true } };
  expect(await serverAbove(reader, deep, env)).toMatchObject(found);
  chmodSync(join(root, 'src'), 0);
  const above = await serverAbove(reader, deep, env).finally(() =>
    chmodSync(join(root, 'src'), 0o700),
  );
  expect(above).toMatchObject(found);
});
