import { hiddenIn } from '../hidden.ts';
import { h } from './dom.ts';
import { markedText, readBack } from './raw.ts';

/*
 * A command line in which the borders of every argument show: in a frame of its own, and quoted as a POSIX shell would
 * have to be told, though no shell is asked. What stands around an argument is no part of it.
 */

export interface CommandLine {
  element: HTMLElement;
  /** The arguments, read back from what stands in the page. */
  read(): string[];
}

export function commandLine(argv: readonly string[], label: string): CommandLine {
  const count =
    argv.length === 1 ? 'the program alone' : `the program and ${argv.length - 1} arguments`;
  const args = argv.map(argument);
  const element = h(
    'pre',
    { class: 'raw argv', role: 'group', 'aria-label': `${label}: ${count}` },
    ...args.flatMap((one, at) => (at === 0 ? [one] : [around(' '), one])),
  );
  return { element, read: () => args.map(readBack) };
}

/** Needs no quotes in any shell. */
const plainWord = /^[\w./:=@%+,-]+$/;

function argument(text: string): HTMLElement {
  if (plainWord.test(text)) return h('span', { class: 'arg' }, text);
  const pieces = text.split(/(['\n\t])/).flatMap((piece): Node[] => {
    if (piece === '') return [];
    if (piece === "'") return [standIn("'\\''", piece, 'a quote inside of the argument')];
    if (piece === '\n')
      return [standIn('LF', piece, 'a line end inside of the argument'), around('\n')];
    if (piece === '\t') return [standIn('TAB', piece, 'a tab inside of the argument')];
    return markedText(piece);
  });
  const odd = text === '' ? 'An empty argument' : null;
  return h('span', { class: 'arg', title: odd }, around("'"), ...pieces, around("'"));
}

const around = (text: string) => h('span', { class: 'quote', 'data-char': '' }, text);

const standIn = (shown: string, char: string, title: string) =>
  h('span', { class: char === "'" ? 'quote' : 'mark', 'data-char': char, title }, shown);

/** What a person has to be told about an argument vector, in phrases. */
export function oddIn(argv: readonly string[]): string[] {
  const empty = argv.filter((one) => one === '').length;
  const lines = argv.filter((one) => /[\n\r]/.test(one)).length;
  const count = (n: number, one: string, many: string) =>
    n === 0 ? [] : [n === 1 ? one : `${n} ${many}`];
  return [
    ...count(empty, '1 empty argument', 'empty arguments'),
    ...count(lines, '1 argument of several lines', 'arguments of several lines'),
    ...hiddenIn(argv.join(' ').replace(/\r?\n/g, ' ')),
  ];
}
