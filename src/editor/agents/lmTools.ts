import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { lmToolIds } from '../ids.ts';
import { Refusal } from '../messages.ts';

/*
 * What a chat of the editor can do with GIMO: look, and propose. Every call asks the person first, and nothing that is
 * proposed happens before they approve it; there is no tool for that.
 */

type Name = keyof typeof lmToolIds;

/** Registers the tools, where the editor has such a thing. */
export function registerLmTools(host: () => Served | null): vscode.Disposable {
  if (typeof vscode.lm?.registerTool !== 'function') return new vscode.Disposable(() => undefined);
  const ids = Object.entries(lmToolIds) as [Name, string][];
  return vscode.Disposable.from(
    ...ids.map(([name, id]) => vscode.lm.registerTool(id, lmTool(name, host))),
  );
}

/** A tool as the editor takes it. What it does is loaded when it is first called. */
export function lmTool(name: Name, host: () => Served | null): vscode.LanguageModelTool<unknown> {
  return {
    async prepareInvocation({ input }) {
      const { lmTools } = await import('./lmToolJobs.ts');
      const { doing, question, about } = lmTools[name].says(input);
      const message = new vscode.MarkdownString(asText(about));
      return { invocationMessage: doing, confirmationMessages: { title: question, message } };
    },
    async invoke({ input }) {
      const running = host();
      if (running === null)
        throw new Refusal(
          'The GIMO server does not run in this window. A person can start it with the command "GIMO: Start Server".',
        );
      const { invokeLmTool } = await import('./lmToolJobs.ts');
      const text = await invokeLmTool(name, running, input);
      return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
    },
  };
}

/** The text may be anybody's, so it forms no link and no heading. The editor's own appendText lets no line be broken. */
const asText = (text: string) =>
  text.replaceAll(/[\\`*_{}[\]()#+.!~<>|&$-]/g, String.raw`\$&`).replaceAll('\n', '  \n');
