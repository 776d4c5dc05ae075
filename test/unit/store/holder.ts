/*
 * A process that claims a data directory, for tests: `node holder.ts <data dir> <ledger>`. It prints a JSON line of
 * what came of it, and one for each line on its standard input, which is a file to write under the claim's fence.
 */
import { createInterface } from 'node:readline';
import { GimoError } from '../../../src/contract/errors.ts';
import { writeAtomic } from '../../../src/store/atomic.ts';
import { claimDataDir } from '../../../src/store/claim.ts';

const [dataDir = '', ledgerDir = ''] = process.argv.slice(2);
const tell = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
const told = (error: unknown) => (GimoError.is(error) ? error.code : String(error));

try {
  const claim = await claimDataDir({
    dataDir,
    ledgerDir,
    onLost: (reason) => tell({ event: 'lost', detail: reason.code }),
  });
  tell({ event: 'claimed', detail: String(claim.epoch) });
  createInterface(process.stdin).on('line', (path) => {
    writeAtomic(path, 'written by the old holder', { fence: claim.fence }).then(
      () => tell({ event: 'written', detail: '' }),
      (error: unknown) => tell({ event: 'refused', detail: told(error) }),
    );
  });
} catch (error) {
  tell({ event: 'refused', detail: told(error) });
}
