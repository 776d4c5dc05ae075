/*
 * Builds what ships:
 *
 *   dist/extension.cjs   what the editor loads to activate: small, and free of dependencies
 *   dist/host.js         the server, loaded by `import()` when it starts, with what it shares in dist/chunks
 *   dist/session.js      the talk of a review panel with the server, loaded with the first panel; the same chunks
 *   dist/later.cjs       what the editor's half needs once a server runs; CommonJS, for it talks to the editor too
 *   dist/planText.js     what makes a plan of text, loaded with the first such text; the same chunks
 *   dist/mcpConfiguration.js, dist/lmToolJobs.js   what MCP clients are told, and what a chat's tools do, at first use
 *   dist/cli.js          the command line, over the same chunks
 *   dist/look.js         the thread that looks into the repository, over the same chunks
 *   dist/warden.js       the process that watches over a command, over the same chunks
 *   dist/webview/        the review panel's own script and stylesheet
 *
 * The extension is CommonJS, because not every relative of VS Code loads ESM; the rest is ESM, because only there
 * esbuild splits, so that a package (and a class that `instanceof` asks for) exists once.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname;
/* How large what ships may be: see scripts/gates/sizes.ts. */
const limits = JSON.parse(readFileSync(path.join(root, 'scripts/gates/sizes.json'), 'utf8'));

/** What the extension loads lazily: a source file, and the file of dist that it becomes. */
const lazy = {
  'src/http/host.ts': 'host.js',
  'src/editor/review/session.ts': 'session.js',
  'src/editor/planText.ts': 'planText.js',
  'src/editor/agents/mcpConfiguration.ts': 'mcpConfiguration.js',
  'src/editor/agents/lmToolJobs.ts': 'lmToolJobs.js',
  'src/editor/later.ts': 'later.cjs',
};

const lazyPlugin = {
  name: 'lazy',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.ts$/ }, ({ path: to, resolveDir, kind }) => {
      const file = lazy[relative(path.resolve(resolveDir, to))];
      if (file === undefined || kind === 'entry-point') return undefined;
      if (kind === 'dynamic-import')
        return file.endsWith('.cjs')
          ? { path: file, namespace: 'required' }
          : { path: `./${file}`, external: true };
      return { errors: [{ text: `${to} must be loaded by import(), not to activate.` }] };
    });
    // What asks the editor is loaded by require(): what comes by import(), the editor does not know as this extension.
    onLoad({ filter: /./, namespace: 'required' }, ({ path: file }) => ({
      contents: `module.exports = require('./${file}');`,
    }));
    onResolve({ filter: /./, namespace: 'required' }, ({ path: file }) => ({
      path: file,
      external: true,
    }));
  },
};

/*
 * Tables that packages bring and nothing here asks for, two thirds of what would ship: request bodies are JSON in a
 * UTF encoding (iconv-lite's internal codecs), answers have one of a few media types, and zod speaks English.
 */
const servedTypes =
  /^(?:text\/(?:plain|event-stream|html)|application\/(?:json|octet-stream|x-www-form-urlencoded)|multipart\/form-data)$/;
const trims = [
  {
    filter: /iconv-lite[\\/]encodings[\\/](?:dbcs|sbcs)-data(?:-generated)?\.js$/,
    trim: () => 'module.exports = {};',
  },
  {
    filter: /mime-db[\\/]db\.json$/,
    trim: (text) =>
      JSON.stringify(
        Object.fromEntries(
          Object.entries(JSON.parse(text)).filter(([type]) => servedTypes.test(type)),
        ),
      ),
  },
  {
    filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    trim: () => "export { default as en } from './en.js';",
  },
];

const trimPlugin = {
  name: 'trim',
  setup({ onLoad }) {
    for (const { filter, trim } of trims)
      onLoad({ filter }, ({ path: file }) => ({
        contents: trim(readFileSync(file, 'utf8')),
        loader: file.endsWith('.json') ? 'json' : 'js',
      }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  outdir: 'dist',
  minify: true,
  sourcemap: 'linked',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const editorCode = {
  ...common,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  external: ['vscode'],
  plugins: [lazyPlugin],
};
const [extension, later, host, webview] = await Promise.all([
  build({ ...editorCode, entryPoints: { extension: 'src/extension.ts' } }),
  build({ ...editorCode, entryPoints: { later: 'src/editor/later.ts' } }),
  build({
    ...common,
    entryPoints: {
      host: 'src/http/host.ts',
      session: 'src/editor/review/session.ts',
      planText: 'src/editor/planText.ts',
      mcpConfiguration: 'src/editor/agents/mcpConfiguration.ts',
      lmToolJobs: 'src/editor/agents/lmToolJobs.ts',
      cli: 'src/cli.ts',
      look: 'src/repo/thread.ts',
      warden: 'src/execution/warden.ts',
    },
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [trimPlugin],
    // CommonJS packages inside an ESM bundle call require() for Node's own modules.
    banner: {
      js: "import{createRequire as gimoRequire}from'node:module';const require=gimoRequire(import.meta.url);",
    },
  }),
  build({
    ...common,
    entryPoints: [
      { in: 'webview/main.ts', out: 'panel' },
      { in: 'webview/panel.css', out: 'panel' },
    ],
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    plugins: [trimPlugin],
  }),
]).catch((error) => {
  // What esbuild found it has told already.
  if (!Array.isArray(error.errors)) throw error;
  process.exit(1);
});
const outputs = {
  ...extension.metafile.outputs,
  ...later.metafile.outputs,
  ...host.metafile.outputs,
};
const shown = webview.metafile.outputs;
writeNotices(packagesOf({ ...outputs, ...shown }));
// For the gates; it does not ship.
writeFileSync(
  path.join(root, 'dist/metafile.json'),
  JSON.stringify({ outputs: { ...outputs, ...shown } }),
);
printSizes(outputs);
printSizes(shown);
check(extension.metafile.outputs, outputs, shown);

function relative(file) {
  return path.relative(root, file).replaceAll(path.sep, '/');
}

/** The package or the layer of src that an input belongs to. */
function partOf(input) {
  const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found !== null) return found[1];
  return input.startsWith('src/') ? input.split('/').slice(0, 2).join('/') : input;
}

function codeOf(all) {
  return Object.entries(all).filter(([file]) => /\.c?js$/.test(file));
}

function packagesOf(all) {
  const inputs = codeOf(all).flatMap(([, { inputs }]) => Object.keys(inputs));
  const dirs = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []);
  return [...new Set(dirs)].sort();
}

/** The licences of what is bundled ask to be shipped with it. */
function writeNotices(dirs) {
  const notices = dirs.map((dir) => {
    const manifest = JSON.parse(readFileSync(path.join(root, dir, 'package.json')));
    const file = readdirSync(path.join(root, dir)).find((entry) => /^licen[cs]e/i.test(entry));
    const { name, version } = manifest;
    const text =
      file === undefined ? textOfLicence(manifest) : readFileSync(path.join(root, dir, file));
    return `${name} ${version}\n\n${text}\n`;
  });
  writeFileSync(
    path.join(root, 'dist/THIRD_PARTY_NOTICES.txt'),
    notices.join(`\n${'-'.repeat(72)}\n\n`),
  );
}

/** Some packages name their licence and bring no text of it. That of the MIT licence stands in ours. */
function textOfLicence({ license, author }) {
  if (license !== 'MIT') return `Licence: ${license}`;
  const [, terms] = /^Copyright .*\n+([\s\S]*)$/m.exec(
    readFileSync(path.join(root, 'LICENSE'), 'utf8'),
  );
  return `MIT License\n\nCopyright (c) ${author?.name ?? author ?? 'its authors'}\n\n${terms}`;
}

function printSizes(all) {
  const files = codeOf(all).map(([file, { bytes }]) => [file, bytes]);
  const parts = new Map();
  for (const [, { inputs }] of codeOf(all))
    for (const [input, { bytesInOutput }] of Object.entries(inputs))
      parts.set(partOf(input), (parts.get(partOf(input)) ?? 0) + bytesInOutput);
  const largest = [...parts].sort(([, a], [, b]) => b - a);
  const rest = largest.slice(15).reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const rows of [files, [...largest.slice(0, 15), ['everything else', rest]]]) {
    for (const [name, bytes] of rows)
      console.log(`${(bytes / 1000).toFixed(1).padStart(9)} KB  ${name}`);
    console.log();
  }
}

function check(activation, all, shown) {
  const sum = (some) => codeOf(some).reduce((total, [, { bytes }]) => total + bytes, 0);
  const panel = Object.entries(shown).filter(([file]) => !file.endsWith('.map'));
  const found = {
    activation: sum(activation),
    host: sum(all),
    panel: panel.reduce((total, [, { bytes }]) => total + bytes, 0),
  };
  const faults = Object.entries(found)
    .filter(([name, bytes]) => bytes > limits[name].limit)
    .map(
      ([name, bytes]) =>
        `The size of ${name} is ${bytes} bytes; the limit is ${limits[name].limit}.`,
    );
  const early = packagesOf(activation);
  if (early.length > 0)
    faults.push(`To activate, packages are loaded that may wait: ${early.join(', ')}.`);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
