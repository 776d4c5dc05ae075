/*
 * A window of an editor without the editor: `node window.ts <root>` hosts the server of a folder or attaches to it, as the
 * extension does, with the same code. It prints a JSON line for each state and each answer, and reads one for each call:
 * `{id, call, args}` of an operation, or `{id, call: "stop" | "leave" | "start"}`.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type OpId, opIds } from '../../src/contract/operations.ts';
import { createServer } from '../../src/editor/server/server.ts';
import { hostOrAttach } from '../../src/http/host.ts';

const [root = ''] = process.argv.slice(2);
const tell = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const server = createServer(
  ({ again, signal, ended }) =>
    hostOrAttach({
      ...{ root, port: { prefer: 0 }, hostedBy: 'editor', version: '0.0.0', env: process.env },
      ...{ installId: 'windows of a test', again, signal },
      logger: { log: (level, message) => process.stderr.write(`${level}: ${message}\n`) },
      onEnded: (how) => ended(how),
    }),
  (state) => {
    const host = state.name === 'running' ? state.host : null;
    const error = state.name === 'failed' ? String(state.error) : null;
    tell({ state: state.name, attached: host?.attached ?? null, url: host?.url ?? null, error });
  },
);

const Call = z.object({ id: z.int(), call: z.string(), args: z.unknown() });

async function carryOut({ call, args }: z.infer<typeof Call>): Promise<unknown> {
  if (call === 'stop' || call === 'leave' || call === 'start') return server[call]();
  const id = opIds.find((one): one is OpId => one === call);
  if (id === undefined || server.state.name !== 'running') throw new Error('there is no server');
  return server.state.host.client.call(id, Object(args));
}

createInterface(process.stdin).on('line', (line) => {
  const call = Call.parse(JSON.parse(line));
  carryOut(call).then(
    (body) => tell({ id: call.id, body: body ?? null }),
    (error: unknown) => tell({ id: call.id, refused: String(Object(error).code ?? error) }),
  );
});

await server.start();
