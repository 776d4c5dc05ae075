/*
 * A process that carries out an edit step, for tests: `node editor.ts <yard> <changes as JSON>`. It prints a line for
 * each file, and goes on to the next one when it gets a byte.
 */
import { readSync, writeSync } from 'node:fs';
import { EditStep } from '../../../src/contract/records.ts';
import { createWorkspace } from '../../../src/execution/workspace.ts';
import { createOldVersions } from '../../../src/store/old-versions.ts';

const [dir = '', changes = ''] = process.argv.slice(2);
const versions = createOldVersions(`${dir}/old`, () => undefined);
const { edit } = createWorkspace({
  ...{ root: `${dir}/work`, dataDir: `${dir}/data`, versions, unsaved: () => [] },
});
const step = EditStep.parse({ id: 'e', kind: 'edit', changes: JSON.parse(changes) });
await edit.execute(step, {
  ...{ runId: 'r_1795403040000_00000a', target: null, signal: new AbortController().signal },
  log(_level, message) {
    writeSync(1, `${message}\n`);
    readSync(0, Buffer.alloc(1));
  },
  note: async () => undefined,
});
