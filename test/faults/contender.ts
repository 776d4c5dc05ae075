/*
 * A process that claims a data directory whenever it reads a line, and lets go at the next: `node contender.ts <data dir>
 * <ledger>`. It prints the epoch that it got, or `refused`.
 */
import { createInterface } from 'node:readline';
import { GimoError } from '../../src/contract/errors.ts';
import { type Claim, claimDataDir } from '../../src/store/claim.ts';

const [dataDir = '', ledgerDir = ''] = process.argv.slice(2);
let claim: Claim | null = null;

for await (const _ of createInterface(process.stdin)) {
  if (claim !== null) {
    await claim.release();
    claim = null;
    console.log('released');
    continue;
  }
  try {
    claim = await claimDataDir({ dataDir, ledgerDir, onLost: () => {} });
    console.log(String(claim.epoch));
  } catch (error) {
    if (!GimoError.is(error, 'not_writer')) throw error;
    console.log('refused');
  }
}
