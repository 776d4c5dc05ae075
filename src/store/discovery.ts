import { join } from 'node:path';
import { z } from 'zod';
import { removeFile, writeAtomic } from './atomic.ts';
import { ensureDir, type Fence, readJson, readText } from './files.ts';

/** What `server.json` in the ledger says about the server of a data directory. Reading it claims and creates nothing. */
export const ServerInfo = z.object({
  url: z.string(),
  pid: z.int().positive(),
  epoch: z.int().positive(),
  started_at: z.string(),
  hosted_by: z.enum(['editor', 'headless']),
  version: z.string(),
  /** It was stopped on purpose: nobody is to take over by itself. */
  stopped: z.boolean(),
  /** It is being stopped and started again: others wait for it. */
  restarting: z.boolean().optional(),
});
export type ServerInfo = z.infer<typeof ServerInfo>;

const serverFile = (ledgerDir: string) => join(ledgerDir, 'server.json');
const tokenFile = (ledgerDir: string) => join(ledgerDir, 'cli.token');

/** Tells clients where the server is: of no use to anybody after a power cut. With `fence`, only as long as the claim holds. */
export async function writeServer(
  ledgerDir: string,
  info: ServerInfo,
  fence?: Fence,
): Promise<void> {
  await ensureDir(ledgerDir);
  const text = `${JSON.stringify(ServerInfo.parse(info), null, 2)}\n`;
  await writeAtomic(serverFile(ledgerDir), text, {
    ...(fence === undefined ? {} : { fence }),
    durable: false,
  });
}

/** @returns null if no server was ever started here, or the file cannot be read */
export async function readServer(ledgerDir: string): Promise<ServerInfo | null> {
  return ServerInfo.safeParse(await readJson(serverFile(ledgerDir))).data ?? null;
}

/** Keeps the token that the command line may use (0600). */
export async function writeCliToken(ledgerDir: string, token: string): Promise<void> {
  await ensureDir(ledgerDir);
  await writeAtomic(tokenFile(ledgerDir), `${token}\n`);
}

/** @returns null if the command line was given no token */
export async function readCliToken(ledgerDir: string): Promise<string | null> {
  const token = (await readText(tokenFile(ledgerDir), 64 * 1024))?.trim();
  return token === undefined || token === '' ? null : token;
}

/** Takes the token back from the command line. */
export async function deleteCliToken(ledgerDir: string): Promise<void> {
  await removeFile(tokenFile(ledgerDir));
}
