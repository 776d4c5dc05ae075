import { z } from 'zod';
import { op } from '../operation.ts';

/** The table told in a form that other programs read. */
export const openApiRows = {
  getOpenApi: op({
    method: 'get',
    path: '/ops/openapi.json',
    role: 'actions',
    input: z.object({
      for: z
        .literal('actions')
        .optional()
        .describe('`actions`: only what a ChatGPT Actions client can import.'),
    }),
    output: z.looseObject({
      openapi: z.string(),
      info: z.looseObject({ title: z.string(), version: z.string() }),
      servers: z.array(z.looseObject({ url: z.string() })),
      paths: z.record(z.string(), z.looseObject({})),
    }),
    status: 200,
    summary: 'Describes what the caller may call, in OpenAPI 3.1.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
};
