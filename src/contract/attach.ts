import { z } from 'zod';

/*
 * How a second window of a folder becomes a client of the server that the first one hosts: it asks for a nonce, answers
 * with an HMAC that only a reader of the ledger can make, and gets a token that lives as long as the server does.
 */

/** What a server answers to whoever wants to attach. */
export const AttachNonce = z.object({
  nonce: z.string(),
  /** Whole seconds that it can be answered in, once. */
  expires_in: z.int(),
});

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The answer to a nonce. */
export const AttachRequest = z.object({
  nonce: hash,
  /** SHA-256 of what identifies the installation of the editor. */
  install: hash,
  /** HMAC (the ledger's `attach` key) over {@link attachText}. */
  answer: hash,
});
export type AttachRequest = z.infer<typeof AttachRequest>;

/** What a window that is attached presents from then on, and as whom it is recorded. */
export const Attached = z.object({ token: z.string(), actor: z.string() });

/**
 * The text whose HMAC an attaching window answers. It names the address that the window dialled, so that another program
 * cannot answer the real server's nonce with what it was told.
 *
 * @param hostPort `host:port` as the window dialled it, the port always written out
 * @param install SHA-256 of the installation's id, in lower-case hex
 */
export function attachText(nonce: string, hostPort: string, install: string): string {
  return `gimo-attach-v1\n${nonce}\n${hostPort}\n${install}`;
}
