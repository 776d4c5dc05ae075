import { z } from 'zod';
import { op } from '../operation.ts';
import { Config, ConfigPatch, ProviderConfig } from '../records.ts';

/** How GIMO is set up: its configuration, and the models that it may ask. */
export const settingsRows = {
  getConfig: op({
    method: 'get',
    path: '/ops/config',
    role: 'operator',
    input: z.object({}),
    output: Config,
    status: 200,
    etag: true,
    summary: 'Reads the configuration that is in force.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  setConfig: op({
    method: 'put',
    path: '/ops/config',
    role: 'admin',
    input: ConfigPatch,
    output: Config,
    status: 200,
    asks: true,
    etag: true,
    refusals: [409],
    summary: 'Changes the configuration; a field left out keeps its value.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  getProvider: op({
    method: 'get',
    path: '/ops/provider',
    role: 'admin',
    input: z.object({}),
    output: ProviderConfig,
    status: 200,
    etag: true,
    summary: 'Reads the model providers, without their keys.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  setProvider: op({
    method: 'put',
    path: '/ops/provider',
    role: 'admin',
    input: ProviderConfig,
    output: ProviderConfig,
    status: 200,
    etag: true,
    summary: 'Sets the model providers; keys are moved into the secret store.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  checkProvider: op({
    method: 'post',
    path: '/ops/provider/check',
    role: 'admin',
    input: z.object({}),
    output: z.object({
      ok: z.boolean(),
      /** Whole milliseconds until the provider had answered, or until it was clear that it does not. */
      latency_ms: z.int().nonnegative(),
      /** A sentence: what answered, or why nothing did and what to do. */
      detail: z.string(),
    }),
    status: 200,
    summary: 'Reaches for the active provider, and tells whether it answers.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
};
