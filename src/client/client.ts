import type { z } from 'zod';
import { type Answer, type CallOptions, Pending } from '../contract/operation.ts';
import { type Args, type OpId, type Out, table } from '../contract/operations.ts';

/** Carries a call to wherever the operations are carried out. Throws `GimoError` when it is refused. */
export interface Transport {
  send(id: OpId, args: unknown, options: CallOptions): Promise<Answer<unknown>>;
}

/** The typed client: one for every transport, made from the operation table. */
export interface Client {
  /**
   * Calls an operation.
   * @returns the body of its answer, checked against the table
   * @throws GimoError with the code that the server answered
   */
  call<K extends OpId>(id: K, args: Args[K], options?: CallOptions): Promise<Out[K]>;
  /** The same, with the status, the entity tag and, for a list, the total and the next cursor. */
  answer<K extends OpId>(id: K, args: Args[K], options?: CallOptions): Promise<Answer<Out[K]>>;
}

/** What a 202 of an operation that may ask is parsed with. */
const asked: { readonly [K in OpId]?: z.ZodType<Out[K]> } = {
  approveDraft: Pending,
  resumeRun: Pending,
  setConfig: Pending,
};

/** Makes a client over a transport. What arrives is parsed with the table's output schema, never trusted. */
export function createClient(transport: Transport): Client {
  const answer = async <K extends OpId>(
    id: K,
    args: Args[K],
    options: CallOptions = {},
  ): Promise<Answer<Out[K]>> => {
    const found = await transport.send(id, args, options);
    const output = found.status === 202 ? asked[id] : undefined;
    return { ...found, body: (output ?? table[id].output).parse(found.body) };
  };
  return { answer, call: async (id, args, options) => (await answer(id, args, options)).body };
}
