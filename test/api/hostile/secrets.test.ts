import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type OpId, opIds, table } from '../../../src/contract/operations.ts';
import { type TokenRole, tokenRoles } from '../../../src/core/principals.ts';
import { dataDirOf, ledgerDir } from '../../../src/store/paths.ts';
import { fileVault } from '../../../src/store/vault.ts';
import { setup as build } from '../../faults/setup.ts';
import { filesUnder } from '../../faults/support.ts';
import { behave, type ModelServer } from '../../fixtures/model-server.ts';
import { startServer } from '../harness.ts';
import { commit, git, writeFiles } from '../repository/support.ts';
import { startModels } from '../runs/support.ts';
import { goodInputs, requestOf, secretInputs } from './inputs.ts';

/* Secrets never leave: not in a response, a log line, an output of the process, nor a file of the workspace. */

const env = {
  MODEL_KEY: 'the-key/in+the=environment',
  ORCH_RATE_LIMIT_PER_MIN: '1000000',
  GIMO_FIRST_PROVIDER: 'offline',
};
const rawKey = 'a/provider+key=that&no "pattern" knows';
/** Lies in the repository: what is planted there is not what the server has written. */
const planted = 'holds.txt';

/** A server in whatever process, as a client sees it. */
interface Place {
  root: string;
  url: string;
  token(role: TokenRole): Promise<string>;
}

/** Every form in which a secret could be read back. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const coded = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')];
  const spelled = [encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return [secret, ...spelled, ...coded.map((text) => text.replace(/=+$/, ''))];
}

interface Said {
  what: string;
  text: string;
}
const leaks = (said: readonly Said[], secrets: Iterable<string>): string[] => {
  const forms = [...secrets].flatMap(formsOf);
  return said.flatMap(({ what, text }) =>
    forms.filter((form) => text.includes(form)).map((form) => `${what}: ${form.slice(0, 12)}…`),
  );
};

/** Uses everything that there is. @returns every answer, and every secret that there was */
async function exercise(place: Place, models: ModelServer) {
  const said: Said[] = [];
  const secrets = new Set<string>();
  const learn = async () => {
    for (const role of tokenRoles) secrets.add(await place.token(role));
  };
  const ask = async (role: TokenRole | null, id: OpId, input: object, headers: object = {}) => {
    const { path, ...request } = requestOf(id, input);
    const reply = await fetch(new URL(path, place.url), {
      ...{ method: request.method, ...(request.body === undefined ? {} : { body: request.body }) },
      headers: {
        'content-type': 'application/json',
        ...(role === null ? {} : { authorization: `Bearer ${await place.token(role)}` }),
        ...headers,
      },
    });
    const text = await reply.text();
    const shown = id === 'rotateToken' && reply.ok ? '' : text;
    said.push({
      what: `${id} (${reply.status})`,
      text: JSON.stringify([...reply.headers]) + shown,
    });
    return { status: reply.status, text };
  };
  const idOf = (text: string) => z.object({ id: z.string() }).parse(JSON.parse(text)).id;
  const provider = (api_key: string) => ({
    active: 'mine',
    providers: { mine: { type: 'openai_compat', base_url: models.url, model: 'm', api_key } },
  });
  const ended = async (run_id: string) => {
    for (;;) {
      const { text } = await ask('actions', 'getRunLog', { run_id });
      if (Object(JSON.parse(text)).done) return;
    }
  };
  /** A draft, an artifact and a run that has come to its end. */
  const runOne = async () => {
    const draft_id = idOf((await ask('admin', 'createDraft', { prompt: 'Do it.' })).text);
    const approved = await ask('operator', 'approveDraft', { draft_id, auto_run: true });
    const { run } = z
      .looseObject({ run: z.object({ id: z.string(), approved_id: z.string() }) })
      .parse(JSON.parse(approved.text));
    await ended(run.id);
    await ask('actions', 'getRun', { run_id: run.id });
    return { approved_id: run.approved_id, run_id: run.id };
  };
  const calm = () => ask('operator', 'resolveSecurity', { action: 'clear_panic' });

  await learn();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to a variable
  for (const key of [rawKey, '${env:MODEL_KEY}']) {
    // A value is a secret from the moment on that a provider has it as its key.
    await ask('admin', 'setProvider', provider(key));
    secrets.add(key === rawKey ? rawKey : env.MODEL_KEY);
    const text = [...secrets].flatMap(formsOf).join(' needle\n');
    await writeFiles(place.root, { [planted]: `needle ${text}\n` });
    await commit(place.root, 'next');
    const telling = [...secrets].flatMap(formsOf).join(' ');
    for (const answer of [
      ...[behave.words(), behave.echoKey(), behave.echoKey(400), behave.words(telling)],
      ...[behave.status(500, telling), behave.errorMidway(telling), behave.refusal(telling)],
      behave.whole(telling),
    ]) {
      models.script(answer);
      await ask('admin', 'generateDraft', { prompt: 'Plan it.' });
      await runOne();
    }
    models.script(behave.words());
    const ids = { ...(await runOne()), draft_id: '' };
    const last: OpId[] = ['restartService', 'stopService', 'rotateToken'];
    const first: OpId[] = ['setAllowlist'];
    for (const id of [...first, ...opIds.filter((one) => !last.includes(one))]) {
      ids.draft_id = idOf((await ask('admin', 'createDraft', { prompt: 'Wait.' })).text);
      await ask('admin', id, goodInputs(ids, provider(key))[id]);
      if (id === 'lockDown') await calm();
    }
    for (const secret of secrets) {
      const named = { 'x-correlation-id': secret };
      const headers = {
        ...{ 'idempotency-key': secret, 'if-match': `"${secret}"`, 'last-event-id': secret },
        ...{ 'x-gimo-source': secret, 'if-none-match': secret },
      };
      for (const id of opIds.filter((one) => !last.includes(one))) {
        const input = secretInputs(secret)[id];
        await ask('admin', id, input);
        if (id === 'lockDown') await calm();
        await ask(id === 'lockDown' ? 'actions' : 'admin', id, input, { ...headers, ...named });
        // A stranger's own id is echoed to them as it is; it stands nowhere else.
        await ask(null, id, input, headers);
        if (table[id].method === 'get')
          await ask('actions', id, { unknown: secret, limit: 10 }, { ...headers, ...named });
      }
      const strange = { ...named, authorization: 'Bearer' };
      await fetch(new URL('/ops/drafts', place.url), { headers: strange });
    }
    for (const role of ['operator', 'actions', 'agent', 'admin'])
      expect((await ask('admin', 'rotateToken', { role })).status).toBe(200);
    await learn();
  }
  return { said, secrets, ask, learn };
}

async function makeRepository(root: string) {
  await mkdir(root, { recursive: true });
  await git(root, 'init', '--quiet', '--initial-branch', 'main');
  await writeFiles(root, { 'a.txt': 'a\n' });
  await commit(root, 'first');
}

/** What lies in the workspace, but for what was planted there. */
const written = async (root: string): Promise<Said[]> =>
  (await filesUnder(root))
    .filter(({ path }) => path !== planted && !path.startsWith('.git/'))
    .map(({ path, text }) => ({ what: path, text: `${path}\n${text}` }));

describe('no token and no key, in no form', () => {
  it('in any answer, log line or file of the workspace', async () => {
    const models = await startModels();
    const server = await startServer({ env });
    await makeRepository(server.root);
    const { host, root } = server;
    const { said, secrets, ask, learn } = await exercise(
      { root, url: host.url, token: async (role) => host.token(role) },
      models,
    );
    const again = new Promise<void>((done) => {
      host.onChange(({ type, rev }) => void (type === 'server' && rev === 0 && done()));
    });
    expect((await ask('admin', 'restartService', {})).status).toBe(200);
    await again;
    await learn();
    for (const id of ['getProvider', 'listAudit', 'getUiAudit', 'listDrafts', 'listRuns'] as const)
      expect((await ask('admin', id, {})).status).toBe(200);
    await host.stop();
    expect(said.length).toBeGreaterThan(500);
    const lines = server.lines.map((line) => ({ what: 'log', text: JSON.stringify(line) }));
    const files = await written(root);
    expect(files.length).toBeGreaterThan(20);
    expect([...new Set(leaks([...said, ...lines, ...files], secrets))]).toEqual([]);
  }, 60_000);
});

describe('a real process', () => {
  beforeAll(build, 60_000);

  it('tells no token and no key on its outputs, in its answers or files', async () => {
    const models = await startModels();
    const dir = await mkdtemp(join(tmpdir(), 'gimo-secrets-'));
    const root = join(dir, 'work');
    await makeRepository(root);
    const config = join(dir, 'config');
    const cli = join(import.meta.dirname, '../../../dist/cli.js');
    const child = spawn(process.execPath, [cli, 'serve', '--root', root, '--port', '0'], {
      env: { PATH: process.env.PATH, HOME: dir, GIMO_CONFIG_HOME: config, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(dir, { recursive: true, force: true });
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        output += piece;
      });
    const [line] = z
      .tuple([z.string()])
      .parse(await once(createInterface({ input: child.stdout }), 'line'));
    const { url } = z.object({ url: z.string() }).parse(JSON.parse(line));
    const vault = fileVault(ledgerDir(config, dataDirOf(root)));
    const token = async (role: TokenRole) => (await vault.get(`token.${role}`)) ?? '';
    const { said, secrets, ask } = await exercise({ root, url, token }, models);
    expect((await ask('admin', 'stopService', {})).status).toBe(200);
    expect(await exited).toEqual([0, null]);
    expect(output).toMatch(/POST \/ops\/drafts/);
    const outputs = output.split('\n').map((text) => ({ what: 'output', text }));
    const found = leaks([...said, ...outputs, ...(await written(root))], secrets);
    expect([...new Set(found)]).toEqual([]);
  }, 60_000);
});
