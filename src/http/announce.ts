import { GimoError } from '../contract/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { TokenRole } from '../core/principals.ts';
import { readCliToken, type ServerInfo, writeCliToken, writeServer } from '../store/discovery.ts';

/**
 * Why a server ends: it was stopped on purpose, and nobody is to take over; it is started again at once, and others wait;
 * or its window closes, and whoever else has the folder open takes over.
 */
export type Ending = 'stop' | 'restart' | 'leave';

/** What tells clients of this machine where the server is. */
export interface Announcer {
  /** Tells that it listens; headless, the command line gets the admin token as well. */
  listening(url: string, adminToken: string): Promise<void>;
  /** Tells that it ends, and why: so that others know whether to take over. */
  ended(why: Ending): Promise<void>;
  /**
   * The command line goes on with the new token, if it had the old one: headless that of admin, at an editor the
   * operator's where a person has allowed it. It is in force already, so a failure must not hide it.
   */
  rotated(role: TokenRole, token: string, old: string): Promise<void>;
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
  const tell = (how: Pick<ServerInfo, 'stopped' | 'restarting'>) => {
    const at = { url, pid: process.pid, started_at: new Date().toISOString() };
    return writeServer(ledgerDir, { ...server, ...at, ...how }, fence);
  };
  return {
    async listening(at, adminToken) {
      url = at;
      if (server.hosted_by === 'headless') await writeCliToken(ledgerDir, adminToken);
      await tell({ stopped: false, restarting: false });
    },
    async ended(why) {
      if (why !== 'leave') await tell({ stopped: why === 'stop', restarting: why === 'restart' });
    },
    async rotated(role, token, old) {
      const headless = server.hosted_by === 'headless';
      if (role !== (headless ? 'admin' : 'operator')) return;
      try {
        if (headless || (await readCliToken(ledgerDir)) === old)
          await writeCliToken(ledgerDir, token);
      } catch (error) {
        if (!GimoError.is(error)) throw error;
        logger.log('error', `The command line was not given the new token: ${error.message}`);
      }
    },
  };
}
