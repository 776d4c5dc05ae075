import { deleteCliToken, readCliToken, writeCliToken } from '../store/discovery.ts';

/** Whether `gimo` in a terminal has a token for the server of an editor, and who says so: a person, there. */
export interface CommandLine {
  allowed(): Promise<boolean>;
  /** Gives it the operator token, until {@link CommandLine.revoke}. */
  allow(): Promise<void>;
  /** Takes it back. */
  revoke(): Promise<void>;
}

/**
 * Keeps the token of the command line in the ledger: one that is not in force any more counts as none.
 *
 * @param ports.audited does something audited, as the person at the editor
 */
export function createCommandLine(ports: {
  ledgerDir: string;
  operatorToken: () => string;
  audited: (operation: string, brake: boolean, effect: () => Promise<void>) => Promise<void>;
}): CommandLine {
  const { ledgerDir, operatorToken, audited } = ports;
  return {
    allowed: async () => (await readCliToken(ledgerDir)) === operatorToken(),
    allow: () =>
      audited('allowCommandLine', false, () => writeCliToken(ledgerDir, operatorToken())),
    revoke: () => audited('revokeCommandLine', true, () => deleteCliToken(ledgerDir)),
  };
}
