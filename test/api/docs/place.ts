import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { makeSample } from '../../../scripts/sample.ts';
import { addProgram } from '../cli/support.ts';
import { blocksOf } from './blocks.ts';

/*
 * Runs the commands of a page of the docs as a reader would: in one shell, from top to bottom, in a home directory of
 * its own, against servers that `gimo serve` starts as processes of their own.
 */

export const repository = join(import.meta.dirname, '../../..');

/** A home directory with the sample project in `app`, and with `gimo` on the search path. */
export interface Home {
  dir: string;
  /** Runs a script in bash from the home directory. */
  run(script: string): Promise<{ code: number | null; out: string }>;
  dispose(): Promise<void>;
}

/** Bundles the command line and the server as they ship, so that nothing has to be built before. */
export async function bundle(outdir: string): Promise<void> {
  await build({
    ...{ absWorkingDir: repository, outdir, bundle: true, splitting: true },
    entryPoints: {
      cli: 'src/cli.ts',
      look: 'src/repo/thread.ts',
      warden: 'src/execution/warden.ts',
    },
    ...{ platform: 'node', format: 'esm', target: 'node20', chunkNames: 'chunks/[name]-[hash]' },
    banner: {
      js: "import{createRequire as gimoRequire}from'node:module';const require=gimoRequire(import.meta.url);",
    },
  });
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }');
}

/** @param bundled where {@link bundle} has put them */
export async function makeHome(bundled: string): Promise<Home> {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-docs-'));
  const bin = join(dir, '.bin');
  await mkdir(bin);
  await addProgram(bin, 'gimo', `exec '${process.execPath}' '${join(bundled, 'cli.js')}' "$@"`);
  await addProgram(bin, 'node', `exec '${process.execPath}' "$@"`);
  await makeSample(join(dir, 'app'));
  const env = {
    ...{ HOME: dir, PATH: [bin, process.env.PATH].join(delimiter), LANG: 'C.UTF-8' },
    ...{ ORCH_PORT: '0', ORCH_RATE_LIMIT_PER_MIN: '1000000', GIMO_FIRST_PROVIDER: 'offline' },
    ...{ GIMO_DOCS: repository },
  };
  return {
    dir,
    async run(script) {
      const file = join(dir, '.script.sh');
      await writeFile(file, script);
      const child = spawn('bash', [file], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (piece: string) => (out += piece));
      await once(child, 'close');
      return { code: child.exitCode, out };
    },
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

/*
 * What a reader does with their hands: `gimo serve` is left running and is there once it says so, ids are those of the
 * newest records, and the usual address is the one where the server listens.
 */
const hands = `
set -euo pipefail
servers=() address=127.0.0.1:9
trap 'for pid in "\${servers[@]}"; do kill "$pid"; wait "$pid" || true; done' EXIT
newest() {
  command gimo "$@" --json --limit 1 | node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8"))[0]?.id ?? "none"'
}
gimo() {
  local args=() arg ready
  if [[ \${1-} == serve ]]; then
    exec 7< <(exec "$HOME/.bin/gimo" "$@" 2>> ~/.server.log)
    IFS= read -r ready <&7 || { wait "$!"; return; }
    servers+=($!)
    address=$(node -p 'new URL(JSON.parse(process.argv[1]).url).host' "$ready")
    return
  fi
  for arg; do
    case $arg in
      d_…) arg=$(newest drafts --status draft) ;;
      a_…) arg=$(newest approved) ;;
      r_…) arg=$(newest runs) ;;
    esac
    args+=("$arg")
  done
  command gimo "\${args[@]}"
}
curl() { command curl "\${@//127.0.0.1:9325/$address}"; }
end_server() {
  kill "-$1" "\${servers[-1]}"
  wait "\${servers[-1]}" || true
  unset 'servers[-1]'
}
refused() { if "$@"; then echo "was not refused: $*"; exit 99; fi; }
`;

/**
 * The script of a page. `# Stop the server` stops the one that was started last, `# Kill it` kills it, and a line that
 * ends with `# refused` has to be refused.
 *
 * @param skipped whether a line is not run here
 */
export function scriptOf(page: string, skipped: (line: string) => boolean = () => false): string {
  const pieces = blocksOf(page).flatMap(({ language, word, text }, at) => {
    if (word.includes('.')) return [`cat > '${word}' <<'FILE'\n${text}FILE`];
    if (language !== 'sh') return [];
    const lines = text.split('\n').map((line) => {
      if (/^# Stop the server/.test(line)) return 'end_server TERM';
      if (/^# Kill it/.test(line)) return 'end_server KILL';
      if (skipped(line)) return '';
      return /# refused/.test(line) ? `refused ${line}` : line;
    });
    return [`echo '== block ${at + 1}'`, ...lines];
  });
  return [hands, ...pieces, 'echo "== end"', ''].join('\n');
}
