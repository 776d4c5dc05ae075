import * as vscode from 'vscode';

/*
 * An extension of its own that brings language models, as Copilot does: `gimo-open` has models that any extension may
 * use, those of `gimo-guarded` the editor lets an extension use only after it has asked the person. The host under test
 * shows no dialog, so there the answer is always no.
 */

export const vendors = ['gimo-open', 'gimo-guarded'] as const;
type Vendor = (typeof vendors)[number];
const greeting = 'Hello';

/** What a model does with a request. */
export type Behaviour =
  | { kind: 'words'; words: readonly string[] }
  /** Says the words, then throws. */
  | { kind: 'fails'; words?: readonly string[]; error: Error }
  /** Says the words, then waits until it is cancelled. */
  | { kind: 'hangs'; words?: readonly string[] };

export interface TestModels {
  /** Offers these models of a vendor from now on, by id. */
  offer(vendor: Vendor, ...ids: string[]): void;
  /** What every request gets from now on. */
  behave(behaviour: Behaviour): void;
  /** The texts that reached a model, oldest first, as `id: text`. */
  readonly asked: string[];
  /** Resolves when the next request has reached a model. */
  reached(): Promise<void>;
  /** Resolves when the next request is cancelled. */
  cancelled(): Promise<void>;
}

interface Info {
  id: string;
}
interface Message {
  content: readonly unknown[];
}

/** Types of the editor from 1.104 on, which GIMO itself does not ask for. */
interface Provider {
  onDidChangeLanguageModelChatInformation: vscode.Event<void>;
  provideLanguageModelChatInformation(): object[];
  provideLanguageModelChatResponse(
    model: Info,
    messages: readonly Message[],
    options: unknown,
    progress: vscode.Progress<vscode.LanguageModelTextPart>,
    token: vscode.CancellationToken,
  ): Promise<void>;
  provideTokenCount(): Promise<number>;
}

export function activate(context: vscode.ExtensionContext): TestModels {
  const offered: Record<Vendor, string[]> = { 'gimo-open': [], 'gimo-guarded': [] };
  const changed = new vscode.EventEmitter<void>();
  const asked: string[] = [];
  let behaviour: Behaviour = { kind: 'words', words: ['Nothing.'] };
  const reached: (() => void)[] = [];
  const cancelled: (() => void)[] = [];
  const tell = (waiting: (() => void)[]) => {
    for (const one of waiting.splice(0)) one();
  };

  const providerOf = (vendor: Vendor): Provider => ({
    onDidChangeLanguageModelChatInformation: changed.event,
    provideLanguageModelChatInformation: () =>
      offered[vendor].map((id) => ({
        ...{ id, name: `The ${id}`, family: `family-of-${id}`, version: '1' },
        ...{ maxInputTokens: 1000, maxOutputTokens: 1000, capabilities: {} },
        ...{ isUserSelectable: true, requiresAuthorization: vendor === 'gimo-guarded' },
      })),
    async provideLanguageModelChatResponse(model, messages, _options, progress, token) {
      const parts = messages.flatMap(({ content }) => content);
      const texts = parts.map((part) =>
        part instanceof vscode.LanguageModelTextPart ? part.value : '?',
      );
      const text = texts.join('');
      // What GIMO sends for the editor to ask the person is cancelled from the start; it may or may not get as far as here.
      if (text === greeting) return;
      asked.push(`${model.id}: ${text}`);
      tell(reached);
      const { kind, words = [] } = behaviour;
      for (const word of words) progress.report(new vscode.LanguageModelTextPart(word));
      if (kind === 'fails') throw behaviour.error;
      if (kind === 'hangs')
        await new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));
      if (token.isCancellationRequested) tell(cancelled);
    },
    provideTokenCount: async () => 1,
  });

  const register: unknown = Reflect.get(vscode.lm, 'registerLanguageModelChatProvider');
  if (typeof register !== 'function') throw new Error('This editor takes no models.');
  for (const vendor of vendors) {
    const registered: unknown = register(vendor, providerOf(vendor));
    if (registered instanceof vscode.Disposable) context.subscriptions.push(registered);
  }
  return {
    offer(vendor, ...ids) {
      offered[vendor] = ids;
      changed.fire();
    },
    behave(next) {
      behaviour = next;
    },
    asked,
    reached: () => new Promise((resolve) => reached.push(resolve)),
    cancelled: () => new Promise((resolve) => cancelled.push(resolve)),
  };
}
