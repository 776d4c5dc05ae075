import { GimoError } from '../contract/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { TokenRole } from '../core/principals.ts';
import { type ServerInfo, writeCliToken, writeServer } from '../store/discovery.ts';

/** What tells clients of this machine where the server is. */
export interface Announcer {
  /** Tells that it listens; headless, the command line gets the admin token as well. */
  listening(url: string, adminToken: string): Promise<void>;
  /** Tells that it was stopped on purpose. */
  stopped(): Promise<void>;
  /** Headless, the command line goes on with the new token. It is in force already, so a failure must not hide it. */
  rotated(role: TokenRole, token: string): Promise<void>;
}

/** @param fence throws when the claim is lost: what says where the server is belongs to another then */
export function createAnnouncer(ports: {
  ledgerDir: string;
  server: Pick<ServerInfo, 'epoch' | 'hosted_by' | 'version'>;
  fence: () => void;
  logger: Logger;
}): Announcer {
  const { ledgerDir, server, fence, logger } = ports;
  let url = '';
  const tell = (stopped: boolean) => {
    const at = { url, pid: process.pid, started_at: new Date().toISOString() };
    return writeServer(ledgerDir, { ...server, ...at, stopped }, fence);
  };
  return {
    async listening(at, adminToken) {
      url = at;
      if (server.hosted_by === 'headless') await writeCliToken(ledgerDir, adminToken);
      await tell(false);
    },
    stopped: () => tell(true),
    async rotated(role, token) {
      if (server.hosted_by !== 'headless' || role !== 'admin') return;
      try {
        await writeCliToken(ledgerDir, token);
      } catch (error) {
        if (!GimoError.is(error)) throw error;
        logger.log('error', `The command line was not given the new token: ${error.message}`);
      }
    },
  };
}
