import { placeOf } from '../../../src/contract/operation.ts';
import { type Operation, type OpId, opIds, table } from '../../../src/contract/operations.ts';

/* Every operation once with good input and once with secrets wherever a text can stand. */

type Inputs = { [K in OpId]: object };

/** Ids of records that are there. */
export interface Known {
  draft_id: string;
  approved_id: string;
  run_id: string;
}

/** Input that each operation takes. The provider that is set is the one that is given. */
export function goodInputs(known: Known, provider: object): Inputs {
  const plan = { id: 'p', title: 'Plan', workspace: '.', created: '2026-01-01', objective: 'Tidy' };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: nobody may expand it
  const text = 'Say what $MODEL_KEY, ${env:MODEL_KEY} and ${ORCH_TOKEN} are.';
  const nothing: Partial<Inputs> = {
    createDraft: { prompt: text, context: { a: text }, content: text },
    editDraft: { prompt: text, steps: [{ id: 's', kind: 'prompt', text }] },
    approveDraft: { auto_run: true },
    setPlan: { ...plan, tasks: [] },
    setConfig: { draft_cleanup_ttl_days: 8 },
    setProvider: provider,
    generateDraft: { prompt: text },
    acceptChange: { what: 'config' },
    restoreChange: { what: 'config' },
    resolveSecurity: { action: 'clear_panic' },
    lockDown: { reason: 'to see' },
    rotateToken: { role: 'actions' },
    readTree: { path: '.' },
    readFile: { path: 'holds.txt' },
    search: { q: 'needle' },
    readDiff: { base: 'HEAD~1' },
    setAllowlist: { paths: [{ path: '.' }] },
    ...{ openRepo: { path: '.' }, selectRepo: { path: '.' }, vitaminizeRepo: { path: '.' } },
  };
  return Object.fromEntries(opIds.map((id) => [id, { ...known, ...nothing[id] }])) as Inputs;
}

/** The same operations, with a secret in every text. */
export function secretInputs(secret: string): Inputs {
  const steps = [{ id: 's', kind: 'prompt', title: secret, text: secret }];
  const draft = { prompt: secret, content: secret, context: { [secret]: [secret] }, steps };
  const task = { id: secret.slice(0, 128), title: secret, scope: secret, description: secret };
  const whole = (text: string) => `/opt/${text}`;
  const entry = { type: 'openai_compat', model: secret };
  const path = { path: `holds-${secret}` };
  const more: Partial<Inputs> = {
    ...{ createDraft: draft, editDraft: draft },
    setPlan: {
      ...{ id: secret, title: secret, workspace: secret, created: secret, objective: secret },
      ...{ tasks: [task], constraints: [secret] },
    },
    setConfig: { command_allowlist: [{ program: whole(secret), args_prefix: [secret] }] },
    setProvider: {
      active: 'other',
      providers: {
        other: { ...entry, base_url: `http://127.0.0.1:1/${encodeURIComponent(secret)}` },
      },
    },
    ...{ readTree: path, readFile: path, openRepo: path, selectRepo: path, vitaminizeRepo: path },
    setAllowlist: { paths: [path] },
    search: { q: secret, ext: secret },
    readDiff: { base: secret, head: secret },
  };
  const fields = [
    'draft_id',
    'approved_id',
    'run_id',
    'prompt',
    'reason',
    'what',
    'digest',
    'role',
  ];
  const common = Object.fromEntries(
    [...fields, 'shown_digest', 'action', 'cursor', 'status', 'view', 'unknown'].map((field) => [
      field,
      secret,
    ]),
  );
  return Object.fromEntries(opIds.map((id) => [id, { ...common, ...more[id] }])) as Inputs;
}

/** The request that an input becomes. Fields that the operation does not know go into the query. */
export function requestOf(id: OpId, input: object) {
  const { method, path, input: schema, ...row }: Operation = table[id];
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  let address: string = path;
  for (const [field, value] of Object.entries(input)) {
    const place = field in schema.shape ? placeOf({ method, path, ...row }, field) : 'query';
    if (place === 'path')
      address = address.replace(`{${field}}`, encodeURIComponent(String(value)));
    else if (place === 'query') query.append(field, String(value));
    else body[field] = value;
  }
  const sent = method === 'get' ? undefined : JSON.stringify(body);
  return { method: method.toUpperCase(), path: `${address}?${query}`, body: sent };
}
