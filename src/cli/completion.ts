import type { Argument, Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;

/** A word that may come next, and what it does. */
interface Word {
  word: string;
  says: string;
}

/** A place in the tree of commands: `gimo draft new`. */
interface Place {
  at: string;
  /** Commands, and values of an argument. */
  words: Word[];
  options: Word[];
  /** Of options that take a value, the values to choose from; none where it may be any. */
  values: { option: string; choices: readonly string[] }[];
}

/** Makes the script that completes a command line in a shell, from its tree of commands. */
export function completionScript(program: Command, shell: (typeof shells)[number]): string {
  const places = placesOf(program, program.name(), program.options);
  return { bash, zsh, fish }[shell](places);
}

function placesOf(command: Command, at: string, global: readonly Option[]): Place[] {
  const options = [...new Set([...command.options, ...global])].filter(({ hidden }) => !hidden);
  const place: Place = {
    at,
    words: [
      ...command.commands.map((sub) => ({ word: sub.name(), says: sub.description() })),
      ...command.registeredArguments.flatMap(choicesOf),
    ],
    options: [
      ...options.flatMap(({ long, short, description: says }) =>
        [long, short].flatMap((word) => (typeof word === 'string' ? [{ word, says }] : [])),
      ),
      { word: '--help', says: 'show how it is used' },
    ],
    values: options.flatMap(({ long, required, argChoices }) =>
      required && typeof long === 'string' ? [{ option: long, choices: argChoices ?? [] }] : [],
    ),
  };
  const below = command.commands.flatMap((sub) => placesOf(sub, `${at} ${sub.name()}`, global));
  return [place, ...below];
}

const choicesOf = ({ argChoices }: Argument): Word[] =>
  (argChoices ?? []).map((word) => ({ word, says: '' }));

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** The places below the root, as patterns of a `case`. */
const paths = (places: readonly Place[]) => places.slice(1).map(({ at }) => quoted(at));
const choiceCases = (places: readonly Place[], write: (choices: string) => string) =>
  places.flatMap(({ at, values }) =>
    values
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ option, choices }) =>
          `    ${quoted(`${at} ${option}`)}) ${write(choices.join(' '))}; return ;;`,
      ),
  );
/** Options whose value may be anything, a file for one. */
const freeOptions = (places: readonly Place[]) => [
  ...new Set(
    places.flatMap(({ values }) =>
      values.filter(({ choices }) => choices.length === 0).map(({ option }) => option),
    ),
  ),
];

/* What is typed so far is walked word by word, as far as the words are commands. Where nothing of ours fits, the shell
 * completes files. */
function bash(places: readonly Place[]): string {
  return `# bash completion of gimo
_gimo() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at=gimo i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i-1]} == --root ]] && continue
    case "$at \${COMP_WORDS[i]}" in
      ${paths(places).join('|')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${choiceCases(places, (choices) => `COMPREPLY=($(compgen -W ${quoted(choices)} -- "$cur"))`).join('\n')}
    ${freeOptions(places)
      .map((option) => `*${quoted(` ${option}`)}`)
      .join('|')}) return ;;
  esac
  local words= options=
  case "$at" in
${places.map(({ at, words, options }) => `    ${quoted(at)}) words=${quoted(textOf(words))} options=${quoted(textOf(options))} ;;`).join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _gimo gimo
`;
}

const textOf = (words: readonly Word[]) => words.map(({ word }) => word).join(' ');

function zsh(places: readonly Place[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ word, says }) => quoted(`${word}:${says.replaceAll(':', '\\:')}`)).join(' ');
  return `#compdef gimo
_gimo() {
  local at=gimo i
  local -a found options
  for ((i = 2; i < CURRENT; i++)); do
    [[ \${words[i-1]} == --root ]] && continue
    case "$at \${words[i]}" in
      (${paths(places).join('|')}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${choiceCases(places, (choices) => `compadd -- ${choices}`).join('\n')}
    (${freeOptions(places)
      .map((option) => `*${quoted(` ${option}`)}`)
      .join('|')}) _files; return ;;
  esac
  case "$at" in
${places.map(({ at, words, options }) => `    (${quoted(at)}) found=(${described(words)}) options=(${described(options)}) ;;`).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe option options
  elif (( \${#found} )); then _describe command found
  else _files
  fi
}
compdef _gimo gimo
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ at, words, options, values }) => {
    const rule = `complete -c gimo -n ${quoted(`__gimo_at ${quoted(at)}`)}`;
    const free = new Map(values.map(({ option, choices }) => [option, choices]));
    return [
      ...words.map(({ word, says }) => `${rule} -f -a ${quoted(word)} -d ${quoted(says)}`),
      ...options.map(({ word, says }) => {
        const name = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        const choices = free.get(word);
        const value =
          choices === undefined
            ? ''
            : choices.length === 0
              ? ' -r'
              : ` -x -a ${quoted(choices.join(' '))}`;
        return `${rule} ${name}${value} -d ${quoted(says)}`;
      }),
    ];
  });
  return `# fish completion of gimo
function __gimo_at
  set -l at gimo
  set -l before
  for word in (commandline -opc)[2..]
    if test "$before" != --root
      switch "$at $word"
        case ${paths(places).join(' ')}
          set at "$at $word"
      end
    end
    set before $word
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
