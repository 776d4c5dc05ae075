/*
 * `npm start`: GIMO on a sample repository, with the provider that needs no model.
 *
 *   npm start                 in VS Code: the one of this computer, else one that a browser shows
 *   npm start -- --browser    in VS Code in a browser
 *   npm start -- --terminal   without an editor, for the command line
 *
 * `--dir DIR` puts the sample and what the editor keeps somewhere else. Ctrl-C ends everything that was started.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeSample } from './sample.ts';
import { startInBrowser } from './start/browser.ts';
import { findCode, startOnDesktop } from './start/desktop.ts';
import { startInTerminal } from './start/terminal.ts';

const root = path.dirname(import.meta.dirname);
const values = optionsGiven();
const places = {
  root,
  sample: path.resolve(values.dir, 'sample'),
  kept: path.resolve(values.dir, 'start'),
};

await makeSample(places.sample);
const code = values.browser ? null : findCode(process.env, process.platform);
try {
  if (values.terminal) await startInTerminal(places);
  else if (code !== null) await startOnDesktop(code, places);
  else await startInBrowser(places);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** What was asked for; whoever asks for something else is told what there is. */
function optionsGiven() {
  try {
    return parseArgs({
      options: {
        browser: { type: 'boolean', default: false },
        terminal: { type: 'boolean', default: false },
        dir: { type: 'string', default: path.join(root, '.vscode-test') },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(
      `${error.message}\nnpm start knows -- --browser, -- --terminal and -- --dir DIR.`,
    );
    process.exit(2);
  }
}
