import { randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { proofText } from '../contract/proof.ts';
import { raw } from '../contract/raw.ts';
import { isNetworkError } from './network.ts';

/** The ledger's HMAC, in lower-case hex. */
export type Mac = (purpose: 'proof' | 'attach', data: string) => string;

/**
 * What answers at an address: `proved` if it holds the key of the ledger, `other` if something else does, `nobody` if the
 * connection is refused, `late` if nothing was answered in time.
 */
export type Proof = 'proved' | 'other' | 'nobody' | 'late';

const Health = z.object({ status: z.literal('ok'), proof: z.string() });
/** Milliseconds that a server has to prove itself. */
export const proofTimeoutMs = 5_000;
/** Bytes. The true answer has about 100; whatever else answers does not get to fill the memory. */
const maxHealth = 4_096;

/**
 * The port of a server on this computer, from what is noted about it; null for any other address, which no server of ours
 * has.
 */
export function portOf(url: string): number | null {
  const port = /^http:\/\/127\.0\.0\.1:(\d{1,5})\/?$/.exec(url)?.[1];
  return port === undefined ? null : Number(port);
}

/**
 * Makes the server on a port of 127.0.0.1 prove that it is the ledger's, before anyone sends it a token: another program
 * may have taken the port meanwhile.
 */
export async function demandProof(port: number, mac: Mac): Promise<Proof> {
  const nonce = randomBytes(32).toString('hex');
  const hostPort = `127.0.0.1:${port}`;
  try {
    const response = await fetch(`http://${hostPort}${raw.getHealth.path}?challenge=${nonce}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(proofTimeoutMs),
    });
    const text = await readSome(response);
    if (response.status !== 200) return 'other';
    const health = Health.safeParse(JSON.parse(text));
    const expected = mac('proof', proofText(nonce, hostPort));
    return health.success && sameText(health.data.proof, expected) ? 'proved' : 'other';
  } catch (error) {
    if (error instanceof SyntaxError) return 'other';
    if (error instanceof DOMException && error.name === 'TimeoutError') return 'late';
    if (!isNetworkError(error)) throw error;
    return causeCode(error) === 'ECONNREFUSED' ? 'nobody' : 'other';
  }
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  /* Leaving the loop cancels the body, and with it the connection. */
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxHealth) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function causeCode(error: TypeError): unknown {
  return error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}
