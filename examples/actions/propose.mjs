/*
 * Does what a ChatGPT Actions client does with GIMO: imports the document, and calls only what stands in it.
 *
 *   GIMO_URL=https://gimo.example.com GIMO_TOKEN=… node propose.mjs "Rename the helper"
 *
 * The token of the role `agent` is enough ("GIMO: Copy Token"). Prints a JSON line for each thing it learned.
 */
const { GIMO_URL = 'http://127.0.0.1:9325', GIMO_TOKEN } = process.env;
const prompt = process.argv[2];
if (GIMO_TOKEN === undefined || prompt === undefined) {
  console.error('Usage: GIMO_TOKEN=… node propose.mjs "What should be done"');
  process.exit(2);
}

const document = await send('GET', `${GIMO_URL}/ops/openapi.json?for=actions`);
const [{ url }] = document.servers;
const operations = new Map(
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => [told.operationId, { ...told, method, path }]),
  ),
);
print({ url, operations: [...operations.keys()] });

const { id } = await call('createDraft', {
  prompt,
  content: 'How I would do it, so that a person can decide.',
  // Asking again with the same key does not make a second draft.
  idempotency_key: `example-${prompt}`,
});
// A person approves or rejects it in GIMO; until then the status is `draft`.
const { status, approved_id } = await call('getDraft', { draft_id: id });
print({ id, status, approved_id });

// A yes is not this client's to say: it is not in the document, and who sends it all the same is refused.
if (operations.has('approveDraft'))
  fail('This token may approve. Give an agent one of its own role.');
const refused = await ask('POST', `${url}/ops/drafts/${id}/approve`, {});
print({ approve: refused.status, code: refused.body.code });

/** Calls an operation as the document says: what stands in its path, its query and its body. */
async function call(operationId, args) {
  const operation = operations.get(operationId);
  if (operation === undefined) return fail(`The token may not call ${operationId}.`);
  const { method, path, parameters = [] } = operation;
  const body = { ...args };
  const query = new URLSearchParams();
  let place = path;
  for (const { name, in: where } of parameters) {
    if (!(name in body)) continue;
    if (where === 'path') place = place.replace(`{${name}}`, encodeURIComponent(body[name]));
    else query.set(name, body[name]);
    delete body[name];
  }
  const search = query.size === 0 ? '' : `?${query}`;
  const sent = operation.requestBody === undefined ? undefined : body;
  return send(method.toUpperCase(), `${url}${place}${search}`, sent);
}

/** Asks, and ends the program with the reason if that is refused. */
async function send(method, address, body) {
  const answer = await ask(method, address, body);
  return answer.ok ? answer.body : fail(`${answer.body.detail}\ncode: ${answer.body.code}`);
}

async function ask(method, address, body) {
  const answer = await fetch(address, {
    method,
    headers: {
      Authorization: `Bearer ${GIMO_TOKEN}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { ok: answer.ok, status: answer.status, body: await answer.json() };
}

function print(value) {
  console.log(JSON.stringify(value));
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
