import { GimoError } from '../contract/errors.ts';
import type { In } from '../contract/operations.ts';
import type { ProviderConfig } from '../contract/records.ts';
import type { Asking } from './asking.ts';
import { checkAllowlist } from './commands.ts';
import { canonical, tagHolds } from './digest.ts';
import type { FoundKeys } from './found-keys.ts';
import type { Call, Handlers } from './handlers.ts';
import { configChanges, policyDiffers } from './policy.ts';
import type { Settings } from './settings.ts';
import type { Programs } from './work.ts';

/** Reads and changes the configuration and the providers. */
export function settingsHandlers(ports: {
  settings: Settings;
  keys: FoundKeys;
  refuseSecrets: (proposal: unknown) => void;
  programs: Programs;
  asking: Asking;
  /** Sets the configuration on behalf of the person, who was asked by a call with this correlation id. */
  setAsPerson: (patch: object, correlationId: string) => Promise<unknown>;
}): Pick<Handlers, 'getConfig' | 'setConfig' | 'getProvider' | 'setProvider'> {
  const { settings, keys, refuseSecrets, programs, asking } = ports;
  /** What the person was shown, and nothing else, comes into force: or what they read could be an old story. */
  const accepter = (patch: In['setConfig'], shown: readonly string[], call: Call) => async () => {
    const now = configChanges(settings.config(), settings.patched(patch));
    if (canonical(now) !== canonical(shown)) throw configChanged();
    await ports.setAsPerson(patch, call.correlationId);
  };
  return {
    getConfig: { read: async () => ({ body: settings.config() }) },
    setConfig: {
      lock: () => 'config',
      prepare: async (patch, call) => {
        requireUnchanged(call, settings.config(), 'settings');
        refuseSecrets(patch);
        await requireRealPrograms(patch, programs);
        const [now, next] = [settings.config(), settings.patched(patch)];
        if (policyDiffers(now, next) && asking.needsEditorForPolicy(call)) {
          const changes = configChanges(now, next);
          const accept = accepter(patch, changes, call);
          return asking.ask(null, {
            about: 'config',
            actor: call.principal.actor,
            changes,
            accept,
          });
        }
        return {
          target: null,
          effect: async () => ({
            body: await settings.setConfig(patch),
            changes: [{ type: 'config', id: null }],
          }),
        };
      },
    },
    getProvider: { read: async () => ({ body: settings.providers() }) },
    setProvider: {
      lock: () => 'provider',
      prepare: async (next, call) => {
        requireUnchanged(call, settings.providers(), 'providers');
        refuseSecrets(withoutKeys(next));
        const accept = settings.prepareProviders(next);
        return {
          target: next.active,
          effect: async () => {
            const body = await accept();
            await keys.settle();
            return { body, changes: [{ type: 'provider', id: null }] };
          },
        };
      },
    },
  };
}

async function requireRealPrograms(
  { command_allowlist: list }: In['setConfig'],
  programs: Programs,
) {
  const issues = list === undefined ? [] : await checkAllowlist(list, programs);
  const [first] = issues;
  if (first !== undefined) throw new GimoError('validation_error', first.msg, { issues });
}

function requireUnchanged({ ifMatch }: Call, now: object, what: string): void {
  if (tagHolds(ifMatch, now)) return;
  throw new GimoError(
    'stale',
    `The ${what} have changed since you read them, and nothing was done. Read them again, then decide.`,
  );
}

const configChanged = () =>
  new GimoError(
    'stale',
    'The configuration has changed since this was asked, so nothing was done. Whoever asked can ask again.',
  );

/** Providers without what may be a key: the rest of them is shown, and lies in the workspace. */
const withoutKeys = ({ active, providers }: ProviderConfig) => [
  active,
  Object.entries(providers).map(([name, entry]) => [name, { ...entry, api_key: null }]),
];
