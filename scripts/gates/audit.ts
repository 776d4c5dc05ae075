import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import { bundledPackages } from './licences.ts';
import type { Verdict } from './verdict.ts';

/*
 * What is known of the packages' vulnerabilities. It needs a registry that answers such questions, so it is a part of
 * `npm run check` and not of `npm test`. Everything that ships is a dev dependency, because it is bundled: so
 * `npm audit --omit=dev` would ask about nothing. All is asked about once, and told apart afterwards.
 */

const Answer = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ name: z.string(), severity: z.string(), range: z.string() }),
  ),
  metadata: z.object({ dependencies: z.object({ total: z.int() }) }),
});
const Refusal = z.object({ message: z.string().min(1) });

/** Nothing high or critical is known of what ships, nor of the tools. */
export function auditGates(root: string): (Verdict & { name: string })[] {
  const npm = process.env.npm_execpath;
  const args = ['audit', '--json'];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const { stdout, stderr, error } =
    npm === undefined
      ? spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
      : spawnSync(process.execPath, [npm, ...args], options);
  const shipped = new Set(bundledPackages(root).map(({ name }) => name));
  return auditVerdicts(error === undefined ? stdout : '', error?.message ?? stderr, shipped);
}

/**
 * @param stdout what `npm audit --json` printed
 * @param otherwise why it printed nothing of use
 * @param shipped names of the packages that are bundled
 */
export function auditVerdicts(
  stdout: string,
  otherwise: string,
  shipped: ReadonlySet<string>,
): (Verdict & { name: string })[] {
  const text = parseOrNull(stdout);
  const answer = Answer.safeParse(text).data;
  const why = Refusal.safeParse(text).data?.message ?? otherwise.trim().split('\n').at(-1);
  return [true, false].map((ships) => {
    const name = ships ? 'audit of what ships' : 'audit of the tools';
    if (answer === undefined) {
      const what = `could not be asked: ${shortly(why || 'npm audit said nothing')}`;
      return { name, faults: [`${name}: ${what}`], what };
    }
    const found = Object.values(answer.vulnerabilities).filter(
      (one) => shipped.has(one.name) === ships,
    );
    const grave = found.filter(({ severity }) => severity === 'high' || severity === 'critical');
    const count = ships ? shipped.size : answer.metadata.dependencies.total - shipped.size;
    return {
      name,
      faults: grave.map((one) => `${one.name} ${one.range} has a ${one.severity} vulnerability.`),
      what: `npm audit: ${count} packages, ${grave.length} high or critical, ${found.length - grave.length} lesser`,
    };
  });
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Without the address, which may be somebody's own. */
const shortly = (text: string) => text.replaceAll(/https?:\/\/\S+/g, 'the registry').slice(0, 160);
