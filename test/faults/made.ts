import { join } from 'node:path';

/* What setup.ts makes. */

const made = join(import.meta.dirname, '../../test-results');
export const faultLayer = join(made, 'fault-layer.mjs');
export const hullProcess = join(made, 'hull-process.mjs');
/** What Node keeps of compiled code: processes come by the hundred. */
export const compiled = join(made, 'compiled');
