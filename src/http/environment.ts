import { GimoError } from '../contract/errors.ts';
import type { ProviderConfig } from '../contract/records.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a headless server takes from `ORCH_*` and `GIMO_*` variables. An editor's server takes its settings instead. */
export interface Environment {
  tokens: { admin?: string; operator?: string; actions?: string; agent?: string };
  corsOrigins: string[];
  rate: { perWindow: number; windowSeconds: number };
}

/**
 * @throws GimoError `validation_error` that names the variable whose value cannot be used
 */
export function readEnvironment(env: Env): Environment {
  const tokens: Environment['tokens'] = {};
  const names = {
    admin: 'ORCH_TOKEN',
    operator: 'ORCH_OPERATOR_TOKEN',
    actions: 'ORCH_ACTIONS_TOKEN',
    agent: 'GIMO_AGENT_TOKEN',
  } as const;
  for (const role of ['admin', 'operator', 'actions', 'agent'] as const) {
    const value = env[names[role]]?.trim();
    if (value !== undefined && value !== '') tokens[role] = value;
  }
  return {
    tokens,
    corsOrigins: (env.ORCH_CORS_ORIGINS ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== '' && origin !== '*'),
    rate: {
      perWindow: wholeNumber(env, 'ORCH_RATE_LIMIT_PER_MIN', 100),
      windowSeconds: wholeNumber(env, 'ORCH_RATE_LIMIT_WINDOW_SECONDS', 60),
    },
  };
}

function wholeNumber(env: Env, name: string, otherwise: number): number {
  const text = env[name]?.trim() ?? '';
  if (text === '') return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value;
  throw new GimoError(
    'validation_error',
    `${name} must be a whole number from 1 to 1,000,000. Change it, or leave it out for ${otherwise}.`,
  );
}

/**
 * The provider that is set up when nobody has chosen one yet: a model on this machine, as in the Python service, or
 * with `GIMO_FIRST_PROVIDER=offline` none at all.
 *
 * @throws GimoError `validation_error` for another name
 */
export function firstProvider(env: Env): ProviderConfig {
  const name = env.GIMO_FIRST_PROVIDER?.trim() || 'local_ollama';
  if (name === 'offline')
    return { active: name, providers: { offline: { type: 'offline', model: 'offline' } } };
  if (name === 'local_ollama')
    return {
      active: name,
      providers: {
        local_ollama: {
          type: 'openai_compat',
          base_url: 'http://localhost:11434/v1',
          model: 'qwen2.5-coder:7b',
        },
      },
    };
  throw new GimoError(
    'validation_error',
    'GIMO_FIRST_PROVIDER can be "offline" or "local_ollama". Set up any other provider with PUT /ops/provider.',
  );
}
