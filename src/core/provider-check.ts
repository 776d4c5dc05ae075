import { GimoError } from '../contract/errors.ts';
import type { Clock } from './clock.ts';
import type { Handlers } from './handlers.ts';
import type { Redactor } from './redaction.ts';
import type { Settings } from './settings.ts';
import type { Models } from './work.ts';

export interface ProviderCheckPorts {
  settings: Pick<Settings, 'active' | 'target'>;
  models: Pick<Models, 'check'>;
  clock: Clock;
  redactor: Pick<Redactor, 'redact'>;
  /** Aborted when the server stops. */
  shutdown: AbortSignal;
  /** Milliseconds that a provider may take; 10 s if left out. */
  most?: number;
}

/**
 * Reaches for the active provider. That it does not answer is what was asked, and so no error. It is audited, since
 * something leaves for elsewhere, with the key; it changes nothing, so nobody is told.
 */
export function checkProviderHandler(ports: ProviderCheckPorts): Handlers['checkProvider'] {
  const { settings, models, clock, redactor, shutdown, most = 10_000 } = ports;

  const look = async (provider: ReturnType<Settings['active']>) => {
    const late = AbortSignal.timeout(most);
    try {
      const target = await settings.target(provider);
      return { ok: true, detail: await models.check(target, AbortSignal.any([shutdown, late])) };
    } catch (error) {
      shutdown.throwIfAborted();
      if (GimoError.is(error, 'provider_error')) return { ok: false, detail: error.message };
      if (!late.aborted) throw error;
      const detail = `The provider "${provider.name}" did not answer within ${most / 1000} s. Check that it is up, then try again.`;
      return { ok: false, detail };
    }
  };

  return {
    async prepare() {
      const provider = settings.active();
      return {
        target: provider.name,
        async effect() {
          const began = clock.now();
          const { ok, detail } = await look(provider);
          const latency_ms = Math.max(0, Math.round(clock.now() - began));
          const body = { ok, latency_ms, detail: redactor.redact(detail).toWellFormed() };
          return { body, changes: [] };
        },
      };
    },
  };
}
