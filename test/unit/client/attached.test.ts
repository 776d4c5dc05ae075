import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { attach } from '../../../src/client/attach.ts';
import { openAttached } from '../../../src/client/attached.ts';
import { demandProof, type Mac, portOf } from '../../../src/client/prove.ts';
import { sha256 } from '../../../src/core/hash.ts';

const mac: Mac = (purpose, data) => sha256(`${purpose} ${data}`);
const ignore = () => {};

/** A program on a port, and what was asked of it. */
async function program(answer: RequestListener) {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', authorization: request.headers.authorization });
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return { port: address.port, asked };
}

test('a program that took the port meanwhile gets no token', async () => {
  const { port, asked } = await program((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'ok', proof: '0'.repeat(64) }));
  });
  const options = { port, token: 'the token', mac, ended: ignore, failed: ignore };
  await expect(openAttached(options)).rejects.toMatchObject({ code: 'not_writer' });
  expect(asked).toHaveLength(1);
  expect(asked[0]?.path).toMatch(/^\/health\?challenge=/);
  expect(asked[0]?.authorization).toBeUndefined();
});

test('a refusal to attach is told with the code of the server', async () => {
  const { port } = await program((_, response) => {
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
    response.end(JSON.stringify({ detail: 'Later.', code: 'rate_limited', correlation_id: 'x' }));
  });
  await expect(attach(port, sha256('me'), mac)).rejects.toMatchObject({
    ...{ code: 'rate_limited', retryAfter: 7 },
  });
});

test('an address is proved, another’s, or nobody’s', async () => {
  const page = await program((_, response) => response.end('<html>'));
  expect(await demandProof(page.port, mac)).toBe('other');
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const address = free.address();
  free.close();
  await once(free, 'close');
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  expect(await demandProof(port, mac)).toBe('nobody');
});

test('only an address of this computer is one of a server', () => {
  expect(portOf('http://127.0.0.1:9325')).toBe(9325);
  for (const other of ['http://localhost:9325', 'https://127.0.0.1:1', 'http://127.0.0.1:1/x', ''])
    expect(portOf(other)).toBeNull();
});
