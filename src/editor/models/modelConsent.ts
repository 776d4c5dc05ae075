import type * as vscode from 'vscode';
import { memoryKeys } from '../ids.ts';
import type { OfferedModel } from './providerChoices.ts';

/**
 * Whose models a person lets GIMO use. The editor shows a dialog before it lets an extension use them for the first
 * time, and that may only come of what a person does: so for a client, such as an agent, a model is asked only if it was
 * allowed before, and whoever said no is not asked again before they act themselves.
 */
export interface ModelConsent {
  /** Why a model may not be asked now, as a sentence or two; null if it may. */
  problem(model: OfferedModel, audience: 'person' | 'client'): string | null;
  allows(vendor: string): boolean;
  /** Notes what the editor has let through or refused. */
  note(vendor: string, may: boolean): Promise<void>;
}

export const refusedText = (name: string) =>
  `The editor does not let GIMO use ${name}, because that was not allowed. Run "GIMO: Check Provider" or "GIMO: Generate Draft" to be asked again.`;

/** @param memory keeps whose models were allowed, over all folders: no API tells it in every version of the editor */
export function createModelConsent(memory: vscode.Memento): ModelConsent {
  /** Vendors whose models a person has refused since the window opened. */
  const refused = new Set<string>();
  const allowed = () => {
    const found = memory.get<unknown>(memoryKeys.allowedModels);
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
  };
  const allows = (vendor: string) => allowed().includes(vendor);
  return {
    allows,
    problem({ name, vendor }, audience) {
      if (refused.has(vendor)) return refusedText(name);
      if (audience === 'person' || allows(vendor)) return null;
      return `Nobody has allowed GIMO yet to use ${name}, a model of the editor, and a client cannot. Run "GIMO: Check Provider" in the editor.`;
    },
    async note(vendor, may) {
      if (may) refused.delete(vendor);
      else refused.add(vendor);
      if (allows(vendor) === may) return;
      const others = allowed().filter((one) => one !== vendor);
      await memory.update(memoryKeys.allowedModels, may ? [...others, vendor] : others);
    },
  };
}
