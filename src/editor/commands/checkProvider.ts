import * as vscode from 'vscode';
import type { LanguageModels } from '../models/languageModel.ts';
import type { Problems } from '../problems.ts';
import type { Server } from '../server/server.ts';
import { oneLine } from '../text.ts';
import { needsConsent } from './needsConsent.ts';
import { needsHost } from './needsHost.ts';
import { providerWaysOut, takeWayOut } from './providerWaysOut.ts';

const showLog = 'Show Log';

/** Reaches for the active provider, and says what answered. Rejects as the client does. */
export async function checkProvider(
  server: Server,
  models: Pick<LanguageModels, 'askConsent'>,
  problems: Pick<Problems, 'note' | 'showLog'>,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  await needsConsent(host, models);
  const { active } = await host.client.call('getProvider', {});
  const { ok, latency_ms, detail } = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Checking ${active}` },
    () => host.client.call('checkProvider', {}),
  );
  const told = oneLine(detail, 600);
  if (ok) {
    void vscode.window.showInformationMessage(`${told} (${latency_ms} ms)`);
    return;
  }
  problems.note(`${active} was checked, and failed after ${latency_ms} ms: ${told}`);
  // What is asked here is not waited for: the command has done its work.
  void vscode.window
    .showErrorMessage(told, ...providerWaysOut(told), showLog)
    .then(async (picked) => {
      if (picked === showLog) problems.showLog();
      else await takeWayOut(picked);
    });
}
