import { GimoError } from '../contract/errors.ts';
import type { ProviderConfig } from '../contract/records.ts';
import { rotateBytes } from '../store/auditfile.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a headless server takes from `ORCH_*` and `GIMO_*` variables. An editor's server takes its settings instead. */
export interface Environment {
  tokens: { admin?: string; operator?: string; actions?: string; agent?: string };
  corsOrigins: string[];
  rate: { perWindow: number; windowSeconds: number };
  /** Seconds that terminal runs are kept; undefined leaves it to the configuration. */
  runTtlSeconds: number | undefined;
  reading: Reading;
  /** Bytes from which on the audit goes to a new file. */
  auditMaxBytes: number;
}

/** How clients may read the repository. */
export interface Reading {
  /** Whether only what the allowlist covers may be read. */
  requireAllowlist: boolean;
  /** Seconds that an entry of it holds where nothing else is said. */
  allowlistTtl: number;
  /** Seconds that a snapshot is kept. */
  snapshotTtl: number;
  /** The folder that the repositories lie under which may be selected; null for the workspace alone. */
  repoRoot: string | null;
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
    runTtlSeconds:
      (env.ORCH_OPS_RUN_TTL?.trim() ?? '')
        ? wholeNumber(env, 'ORCH_OPS_RUN_TTL', 86_400)
        : undefined,
    reading: {
      requireAllowlist: yesOrNo(env, 'ORCH_ALLOWLIST_REQUIRE', true),
      allowlistTtl: wholeNumber(env, 'ORCH_ALLOWLIST_TTL', 300),
      snapshotTtl: wholeNumber(env, 'ORCH_SNAPSHOT_TTL', 240),
      repoRoot: env.ORCH_REPO_ROOT?.trim() || null,
    },
    auditMaxBytes: wholeNumber(env, 'ORCH_AUDIT_LOG_MAX_BYTES', rotateBytes, 2 ** 40),
  };
}

function yesOrNo(env: Env, name: string, otherwise: boolean): boolean {
  const text = env[name]?.trim().toLowerCase() ?? '';
  if (text === '') return otherwise;
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  throw new GimoError(
    'validation_error',
    `${name} must be true or false. Change it, or leave it out for ${otherwise}.`,
  );
}

function wholeNumber(env: Env, name: string, otherwise: number, most = 1_000_000): number {
  const text = env[name]?.trim() ?? '';
  if (text === '') return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new GimoError(
    'validation_error',
    `${name} must be a whole number from 1 to ${most.toLocaleString('en')}. Change it, or leave it out for ${otherwise}.`,
  );
}

/**
 * The provider that is set up when nobody has chosen one yet: the one that `GIMO_FIRST_PROVIDER` names (`offline` asks
 * no model at all), else what the editor brings, else a model on this machine, as in the Python service.
 *
 * @throws GimoError `validation_error` for another name
 */
export function firstProvider(env: Env, editors?: ProviderConfig): ProviderConfig {
  const named = env.GIMO_FIRST_PROVIDER?.trim() || undefined;
  if (named === undefined && editors !== undefined) return editors;
  const name = named ?? 'local_ollama';
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
