/**
 * What to do at the terminal about a provider that failed: its own words serve the editor as well, and so name no
 * command.
 *
 * @param detail the server's words
 * @returns null where they say all there is to do
 */
export function nextForProvider(detail: string, name: string): string | null {
  /* What the vendor says comes last, and may speak of anything. */
  const [ours = ''] = detail.split(' It says: ');
  if (/\bAPI key\b|^The key of the provider\b/.test(ours))
    return `Set its key with: gimo provider key ${name}`;
  if (/^Cannot connect to |did not (?:begin to )?answer within|knows no model/.test(ours))
    return 'Set another model: gimo provider add ... --use; or try without one: gimo provider add offline --type offline --model offline --use';
  return null;
}
