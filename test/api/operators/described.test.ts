import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Operation, opIds, table } from '../../../src/contract/operations.ts';
import { startServer } from '../harness.ts';

/* What a client can learn from the document alone. */

const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});
let document: z.infer<typeof Document>;
beforeAll(async () => {
  const server = await startServer({ keep: true });
  const reply = await server.request('GET', '/ops/openapi.json', { role: 'admin' });
  document = Document.parse(reply.body);
  return server.dispose;
});

it('says what the step of a resume is for, wherever it stands', () => {
  const resume = document.paths['/ops/runs/{run_id}/resume']?.post;
  expect(resume).toMatchObject({ description: expect.stringContaining('412') });
  const [step] = Object(resume).parameters.filter(({ name }: { name: string }) => name === 'step');
  expect(step.description).toMatch(/comes next by now, 412 .* the query says wins\.$/);
  expect(step.schema).toEqual({ type: 'string' });
  const { schema } = Object(resume).requestBody.content['application/json'];
  expect(schema.properties.step.description).toContain('412');
});

it('says when a run was undone, and what an error beside cancelled is', () => {
  const { properties } = Object(document.components.schemas.Run);
  expect(properties.undone_at.description).toMatch(/^When its changes of files were undone/);
  expect(properties.error.description).toMatch(/beside `cancelled`, what stopping it left/);
});

it('says what a review compares, and what each warning means', () => {
  const review = Object(document.paths['/ops/drafts/{draft_id}/review']?.get);
  expect(review.description).toMatch(/^Warns of files that have changed since/);
  const { schema } = review.responses['200'].content['application/json'];
  const { code } = schema.properties.warnings.items.properties;
  for (const name of code.enum) expect(code.description).toContain(`\`${name}\`: `);
});

it('no description is longer than ChatGPT Actions takes', () => {
  for (const id of opIds) {
    const { description = '' }: Operation = table[id];
    expect(description.length, id).toBeLessThanOrEqual(300);
  }
});
