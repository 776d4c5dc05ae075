import type { z } from 'zod';
import { Attached, AttachNonce, type AttachRequest, attachText } from '../contract/attach.ts';
import { raw } from '../contract/raw.ts';
import { toError } from './http.ts';
import type { Mac } from './prove.ts';

/** How a window is known to the server that it is attached to. */
export type Attachment = z.infer<typeof Attached>;

/** Milliseconds that a server may take over each of the two questions. */
const timeoutMs = 5_000;

/**
 * Attaches to the server on a port of 127.0.0.1, which has proved itself before.
 *
 * @param install SHA-256 of what identifies the installation, in lower-case hex
 * @throws GimoError what the server refused with; and what fetch throws when the connection fails
 */
export async function attach(port: number, install: string, mac: Mac): Promise<Attachment> {
  const hostPort = `127.0.0.1:${port}`;
  const { nonce } = AttachNonce.parse(await ask(hostPort, { method: 'GET' }));
  const answer = mac('attach', attachText(nonce, hostPort, install));
  const request: AttachRequest = { nonce, install, answer };
  return Attached.parse(
    await ask(hostPort, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    }),
  );
}

async function ask(hostPort: string, init: RequestInit): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  const url = `http://${hostPort}${raw.attach.path}`;
  const response = await fetch(url, { ...init, redirect: 'error', signal });
  const text = await response.text();
  if (!response.ok) throw toError(response, text);
  return JSON.parse(text);
}
