import { afterEach, expect, test } from 'vitest';
import { gimo } from './gimo.ts';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
afterEach(() => wire.close());

const described = {
  openapi: '3.1.0',
  info: { title: 'GIMO', version: '1.2.3' },
  servers: [{ url: 'http://127.0.0.1:9325' }],
  paths: { '/status': {} },
  components: { schemas: {} },
};

test('openapi prints the whole description, with --json or without', async () => {
  wire = await startWire({ 'GET /ops/openapi.json': () => ({ body: described }) });
  for (const flags of [[], ['--json']]) {
    const { code, out } = await gimo(['openapi', ...flags], { url: wire.url });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(described);
  }
  expect(wire.seen.map(({ path }) => path)).toEqual(Array(2).fill('/ops/openapi.json'));
});

test('openapi --for actions asks for what Actions can import, and knows no other client', async () => {
  wire = await startWire({ 'GET /ops/openapi.json': () => ({ body: described }) });
  expect((await gimo(['openapi', '--for', 'actions'], { url: wire.url })).code).toBe(0);
  expect(wire.seen.map(({ path }) => path)).toEqual(['/ops/openapi.json?for=actions']);
  expect((await gimo(['openapi', '--for', 'robots'], { url: wire.url })).code).toBe(2);
});
