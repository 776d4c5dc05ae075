import { atTerminal, type Ended, type Place, type Typed } from '../cli/support.ts';

/** Somebody at a terminal who keeps what they typed and what they were told. */
export interface Recorder {
  readonly lines: string[];
  /** Runs a line, whatever comes of it. */
  say(line: string, typed?: readonly Typed[]): Promise<Ended>;
  /** Notes what happens elsewhere. */
  note(text: string): void;
}

export function createRecorder(place: Place): Recorder {
  const lines: string[] = [];
  const env = { ...place.env, NO_COLOR: '1' };
  return {
    lines,
    note: (text) => lines.push(`# ${text}`),
    async say(line, typed = []) {
      const ended = await atTerminal({ ...place, env }, `stty cols 120; ${line}`, typed);
      lines.push(`$ ${line}`);
      if (ended.out.trim() !== '') lines.push(ended.out.trimEnd());
      if (ended.code !== 0) lines.push(`[exit ${ended.code}]`);
      lines.push('');
      return ended;
    },
  };
}

/** The first id of a kind in a text. */
export function idIn(text: string, kind: 'd' | 'a' | 'r'): string {
  const [id] = new RegExp(`\\b${kind}_\\d+_[0-9a-f]+\\b`).exec(text) ?? [];
  if (id === undefined) throw new Error(`There is no ${kind}_ id in: ${text}`);
  return id;
}

/** The code of the refusal in a text. */
export function codeIn(text: string): string {
  const [, code] = /"code": ?"(\w+)"/.exec(text) ?? [];
  if (code === undefined) throw new Error(`There is no refusal in: ${text}`);
  return code;
}
