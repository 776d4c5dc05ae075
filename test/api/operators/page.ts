/*
 * docs/OPERATORS.md: what each operator said and was told, and what each was refused. The page is prose with a place for
 * each transcript and one table; a test writes them if `GIMO_TRANSCRIPTS=write` is set, and otherwise checks that nothing
 * has changed.
 */

/** In the order of the page. */
export const operators = ['terminal', 'Actions', 'MCP', 'language-model tool'] as const;
export type Operator = (typeof operators)[number];

/** What one operator did. */
export interface Told {
  operator: Operator;
  /** As it was typed and answered, with what differs from time to time masked. */
  transcript: string;
  refusals: readonly Refusal[];
}

export interface Refusal {
  /** What was tried, in words. */
  tried: string;
  /** Status and code, or what stands in their place. */
  answer: string;
}

const begin = (operator: Operator) => `<!-- transcript: ${operator} -->\n`;
const end = '<!-- end -->';
const head = '| operator | tried | answer |\n|---|---|---|\n';

/** The page with what an operator did in its places. */
export function withTold(page: string, told: Told): string {
  const [before, rest] = halves(page, begin(told.operator));
  const after = rest.slice(rest.indexOf(end));
  const block = `\n\`\`\`text\n${told.transcript.trimEnd()}\n\`\`\`\n\n`;
  return withRows(`${before}${begin(told.operator)}${block}${after}`, told);
}

function withRows(page: string, { operator, refusals }: Told): string {
  const [before, rest] = halves(page, head);
  const lines = rest.split('\n');
  const length = lines.findIndex((line) => !line.startsWith('|'));
  const others = lines.slice(0, length);
  const own = refusals.map(({ tried, answer }) => `| ${operator} | ${tried} | ${answer} |`);
  const rows = operators.flatMap((one) =>
    one === operator ? own : others.filter((line) => line.startsWith(`| ${one} |`)),
  );
  return [`${before}${head}${rows.join('\n')}`, ...lines.slice(length)].join('\n');
}

function halves(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  if (index === -1) throw new Error(`docs/OPERATORS.md has no ${at.trim()}`);
  return [text.slice(0, index), text.slice(index + at.length)];
}

/**
 * A transcript without what differs from time to time. Ids stay as long as they are, numbered by kind in the order in
 * which they come up; so tables keep their form, and it shows which is which.
 *
 * @param places folders of this run, and what stands for each
 */
export function masked(text: string, places: Readonly<Record<string, string>> = {}): string {
  const seen = new Map<string, string>();
  const counts = new Map<string, number>();
  const numbered = (id: string, kind: string) => {
    const count = (counts.get(kind) ?? 0) + 1;
    const given = seen.get(id) ?? `${kind}_1700000000000_${String(count).padStart(6, '0')}`;
    if (!seen.has(id)) counts.set(kind, count);
    seen.set(id, given);
    return given;
  };
  let clean = text;
  for (const [place, name] of Object.entries(places)) clean = clean.replaceAll(place, name);
  return clean
    .replaceAll(/\b([dar])_\d+_[0-9a-f]{6,}\b/g, numbered)
    .replaceAll(/\b[0-9a-f]{64}\b/g, '00000000…')
    .replaceAll(/\b(actions|agent|operator|admin|editor):[0-9a-f]{12}\b/g, '$1:…')
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
    .replaceAll(/^\d\d:\d\d:\d\d /gm, '00:00:00 ')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '…')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9325');
}
