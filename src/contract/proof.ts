/**
 * The text whose HMAC (the ledger's `proof` key) a server answers to `GET /health?challenge=`, and a client expects.
 * It names the address that the client dialled, so that another program cannot pass the question on to the real one.
 *
 * @param nonce the challenge, 32 to 64 hex digits
 * @param hostPort `host:port` as the client dialled it, the port always written out
 */
export function proofText(nonce: string, hostPort: string): string {
  return `gimo-proof-v1\n${nonce}\n${hostPort}`;
}
