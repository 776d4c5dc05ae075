import { vendorBaseUrls } from '../../contract/addresses.ts';
import type { ProviderConfig, ProviderEntry } from '../../contract/records.ts';

/** A provider that can be set up from a list. What it lacks is asked for. */
export interface Preset {
  /** Under this name it is kept; null: that is asked for too. */
  name: string | null;
  title: string;
  detail: string;
  type: ProviderEntry['type'];
  /** Null: that is asked for; undefined: none is needed. */
  base_url?: string | null;
  /** What stands in the box when the model is asked for; null: it is not asked for. */
  model: { value: string; example: string } | null;
  /** Whether it works without a key, may need one, or needs one. */
  key: 'none' | 'maybe' | 'needed';
}

export const presets: readonly Preset[] = [
  {
    name: 'offline',
    title: 'Offline',
    detail: 'Asks no model: answers from the files of the folder, always the same.',
    type: 'offline',
    model: null,
    key: 'none',
  },
  {
    name: 'local_ollama',
    title: 'Ollama on this computer',
    detail: 'http://localhost:11434/v1, no key',
    type: 'openai_compat',
    base_url: 'http://localhost:11434/v1',
    model: { value: 'qwen2.5-coder:7b', example: 'qwen2.5-coder:7b' },
    key: 'none',
  },
  {
    name: 'openai',
    title: 'OpenAI',
    detail: 'https://api.openai.com/v1, with your key',
    type: 'openai_compat',
    base_url: 'https://api.openai.com/v1',
    model: { value: '', example: 'gpt-5-mini' },
    key: 'needed',
  },
  {
    name: 'anthropic',
    title: 'Anthropic',
    detail: `${vendorBaseUrls.anthropic}, with your key`,
    type: 'anthropic',
    model: { value: '', example: 'claude-sonnet-4-5' },
    key: 'needed',
  },
  {
    name: 'gemini',
    title: 'Gemini',
    detail: `${vendorBaseUrls.gemini}, with your key`,
    type: 'gemini',
    model: { value: '', example: 'gemini-2.5-flash' },
    key: 'needed',
  },
  {
    name: null,
    title: 'Another OpenAI-compatible address…',
    detail: 'Any server that speaks the chat completions of OpenAI',
    type: 'openai_compat',
    base_url: null,
    model: { value: '', example: 'as the server calls it' },
    key: 'maybe',
  },
];

/** The longest name of a model that the contract takes. */
const longestModel = 256;

/** A language model that the editor offers. */
export interface OfferedModel {
  id: string;
  family: string;
  vendor: string;
  name: string;
}

/** What stands as the model of a provider that asks whichever the editor offers first. */
const anyModel = 'auto';

/**
 * The model that a provider entry names: by its id, where several vendors have the same with the vendor in front, or by
 * its family; for `auto` or nothing the first one.
 */
export function offeredModel<M extends OfferedModel>(
  offered: readonly M[],
  wanted: string,
): M | undefined {
  return (
    offered.find(({ id, vendor }) => id === wanted || `${vendor}/${id}` === wanted) ??
    offered.find(({ family }) => family === wanted) ??
    (wanted === anyModel || wanted === '' ? offered[0] : undefined)
  );
}

/** A provider that the editor's own models make possible. */
export interface EditorChoice {
  name: string;
  title: string;
  detail: string;
  entry: ProviderEntry;
}

/** Providers for the editor's own models that are not set up yet; none where it offers no model. */
export function editorChoices(
  offered: readonly OfferedModel[],
  config: ProviderConfig,
): EditorChoice[] {
  const first = offeredModel(offered, anyModel);
  if (first === undefined) return [];
  const any = {
    ...{ name: 'editor', title: "The editor's own model", model: anyModel },
    detail: `Whichever the editor offers first, now ${first.name}; no key`,
  };
  const each = offered.map(({ id, vendor, name }) => ({
    name: id,
    title: name,
    model: offeredModel(offered, id)?.vendor === vendor ? id : `${vendor}/${id}`,
    detail: `The editor's own, from ${vendor}; no key`,
  }));
  const known = Object.values(config.providers).flatMap(({ type, model }) =>
    type === 'editor' ? [model] : [],
  );
  return [any, ...each.filter(({ model }) => model !== anyModel)]
    .filter(({ model }) => !known.includes(model) && model.length <= longestModel)
    .map(({ name, title, detail, model }) => ({
      ...{ name: unusedName(config, name), title, detail },
      entry: { type: 'editor', model },
    }));
}

/** The origin that a provider's requests, and so its key, go to; null where nothing is sent over a network. */
export function originOf(entry: Pick<ProviderEntry, 'type' | 'base_url'>): string | null {
  const { type, base_url } = entry;
  if (type === 'offline' || type === 'editor') return null;
  const url = base_url ?? (type === 'openai_compat' ? undefined : vendorBaseUrls[type]);
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : null;
}

/** Whether what goes to an origin can be read on the way: not encrypted, and not on this computer. */
export function isInTheOpen(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** The same providers with one added or replaced; keys that are not given stay as they are. */
export function withProvider(
  config: ProviderConfig,
  name: string,
  entry: ProviderEntry,
  active: string,
): ProviderConfig {
  return { active, providers: { ...config.providers, [name]: entry } };
}

/** A name for a provider at an address, that no other has yet. */
export function freeName(config: ProviderConfig, base_url: string): string {
  return unusedName(config, URL.canParse(base_url) ? new URL(base_url).hostname : '');
}

/** A name made of a text, that no provider has yet. */
function unusedName(config: ProviderConfig, text: string): string {
  const base = text
    .replace(/[^A-Za-z0-9._-]/g, '')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 50);
  const first = base === '' ? 'custom' : base;
  let name = first;
  for (let n = 2; Object.hasOwn(config.providers, name); n++) name = `${first}-${n}`;
  return name;
}

/** What is wrong with a name for a provider, or undefined. */
export function nameProblem(name: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)
    ? undefined
    : 'A name has up to 64 letters, digits, dots, dashes and underscores, and starts with a letter or digit.';
}
