import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ChangeEvent, changeTypes } from '../../../src/contract/events.ts';
import { readServer } from '../../../src/store/discovery.ts';
import { behave } from '../../fixtures/model-server.ts';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';
import { setUp } from '../wire/generating.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { lockDown } from './support.ts';

/** Starts a server, and tells when it stops of its own accord. */
async function watched(options: StartOptions = {}) {
  const stopped = Promise.withResolvers<string>();
  const server = await startServer({ ...options, onStopped: stopped.resolve });
  return { server, stopped: stopped.promise };
}

/** Resolves when the server tells its window that it is there again. */
const again = (server: TestServer) =>
  new Promise<ChangeEvent>((resolve) => {
    const end = server.host.onChange((event) => {
      if (event.type !== 'server' || event.rev !== 0) return;
      end();
      resolve(event);
    });
  });

const ask = (server: TestServer, what: string) =>
  server.request('POST', `/ui/service/${what}`, { role: 'admin' });

describe('restart', () => {
  it('answers, then stops and starts again: the same process and port, another epoch', async () => {
    const { server } = await watched();
    const { id } = await newDraft(server);
    const { port, pid, epoch } = server.host;
    const back = again(server);
    expect((await ask(server, 'restart')).body).toEqual({ status: 'restarting' });
    await back;
    expect(server.host).toMatchObject({ port, pid });
    expect(server.host.epoch).toBeGreaterThan(epoch);
    const status = await server.request('GET', '/status', { role: 'actions' });
    expect(status.body).toMatchObject({ pid, epoch: server.host.epoch });
    const read = await server.request('GET', `/ops/drafts/${id}`, { role: 'actions' });
    expect(read.status).toBe(200);
    expect(await readServer(server.host.ledgerDir)).toMatchObject({
      ...{ stopped: false, url: server.host.url, epoch: server.host.epoch },
    });
  });

  it('leaves the client and the subscriptions of the window as they were', async () => {
    const { server } = await watched({ hostedBy: 'editor' });
    const { client } = server.host;
    const seen: string[] = [];
    const unsubscribe = server.host.onChange(({ type }) => seen.push(type));
    const back = again(server);
    expect(await client.call('restartService', {})).toEqual({ status: 'restarting' });
    await back;
    const made = await client.call('createDraft', { prompt: 'after the restart' });
    expect(made.prompt).toBe('after the restart');
    // It is told to look at everything again, and then what changes.
    expect(seen).toEqual(['server', ...changeTypes, 'draft']);
    unsubscribe();
    await client.call('createDraft', { prompt: 'nobody listens' });
    expect(seen).toHaveLength(changeTypes.length + 2);
  });

  it('can be asked for again and again, and a stop in between wins', async () => {
    const { server, stopped } = await watched();
    for (let n = 0; n < 2; n += 1) {
      const back = again(server);
      await ask(server, 'restart');
      await back;
    }
    await server.host.client.call('restartService', {});
    await server.host.stop();
    await expect(fetch(server.host.url)).rejects.toThrow();
    const none = await Promise.race([stopped, Promise.resolve('not told')]);
    expect(none).toBe('not told');
  });

  it('is audited to its end before it happens', async () => {
    const { server } = await watched();
    const back = again(server);
    await ask(server, 'restart');
    await back;
    const acts = (await auditOf(server)).map(({ operation, outcome }) => `${operation} ${outcome}`);
    expect(acts).toEqual(['restartService intent', 'restartService done']);
    const reply = await server.request('GET', '/ops/audit/verify', { role: 'operator' });
    expect(reply.body).toEqual({ verdict: 'whole', at: null });
  });
});

describe('stop', () => {
  it('answers, then really stops, and notes that it was on purpose', async () => {
    const { server, stopped } = await watched();
    expect((await ask(server, 'stop')).body).toEqual({ status: 'stopping' });
    expect(await stopped).toMatch(/asked to stop/);
    await expect(fetch(server.host.url)).rejects.toThrow();
    expect(await readServer(server.host.ledgerDir)).toMatchObject({ stopped: true });
    // Whoever starts it again finds everything free.
    const next = await startServer({ dir: server.dir });
    expect((await next.request('GET', '/status', { role: 'actions' })).status).toBe(200);
  });

  it('tells a request that waits for a model that it stops, and leaves no draft of it', async () => {
    const { server, models } = await setUp();
    models.script(behave.hang());
    const asked = server.request('POST', '/ops/generate', { role: 'admin', body: { prompt: 'x' } });
    await models.waitForRequest();
    await server.host.stop();
    expectError(await asked, 'not_writer');
    const next = await startServer({ dir: server.dir });
    const { headers } = await next.request('GET', '/ops/drafts', { role: 'actions' });
    expect(headers['x-total-count']).toBe('0');
  });

  it('works in a lockdown', async () => {
    const { server, stopped } = await watched();
    await lockDown(server);
    expect((await ask(server, 'stop')).status).toBe(200);
    await stopped;
  });

  it('ends event streams, and tells their readers before', async () => {
    const { server, stopped } = await watched();
    const response = await fetch(`${server.host.url}/ops/events`, {
      headers: { authorization: `Bearer ${server.host.token('actions')}` },
    });
    await ask(server, 'stop');
    expect(await response.text()).toContain('"type":"server"');
    await stopped;
  });
});

it('the status is RUNNING for as long as it runs', async () => {
  const { server } = await watched();
  const reply = await server.request('GET', '/ui/service/status', { role: 'admin' });
  expect(reply.body).toEqual({ status: 'RUNNING' });
  await readFile(join(server.host.ledgerDir, 'server.json'));
});
