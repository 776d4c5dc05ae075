/*
 * Files of a workspace that do something without anybody meaning to run them: an editor, a tool or an agent finds them
 * by their name and does what they say. An edit of one is flagged, since it may be the beginning of something that no
 * later approval is asked for. What runs only when a person runs it (Makefile, scripts of package.json, source) is not
 * on the list: a warning that is always there warns of nothing. `.git` and `.orch_data` are refused, not flagged.
 */

interface Rule {
  /** Of the whole path, in lower case, with `/`. */
  pattern: RegExp;
  /** What the file decides, to stand behind "this file". */
  does: string;
}

const folder = (names: string) => new RegExp(`(?:^|/)(?:${names})/`);
const file = (names: string) => new RegExp(`(?:^|/)(?:${names})$`);

const rules: readonly Rule[] = [
  // Before the folders of editors and agents, which hold it too.
  {
    pattern: file(String.raw`\.?mcp\.json|mcp_config\.json|claude_desktop_config\.json`),
    does: 'decides which MCP servers are started, and with what',
  },
  {
    pattern: file(
      String.raw`(?:agents?|claude|claude\.local|gemini|skill)\.md|\.(?:cursor|windsurf|cline|roo|goose)rules(?:-[^/]*)?|\.goosehints|copilot-instructions\.md|[^/]+\.(?:instructions|prompt|chatmode|agent)\.md`,
    ),
    does: 'tells agents what to do',
  },
  {
    pattern: folder(
      String.raw`\.(?:cursor|claude|gemini|codex|windsurf|continue|clinerules|roo|kiro|junie|agents?|aider[^/]*)|\.github/(?:instructions|prompts|chatmodes|agents|skills)`,
    ),
    does: 'tells agents what to do, or what they may run',
  },
  {
    pattern: folder(String.raw`\.github/(?:workflows|actions)|\.circleci|\.buildkite|\.woodpecker`),
    does: 'runs in continuous integration, often with its secrets',
  },
  {
    pattern: file(
      String.raw`\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.travis\.yml|\.?appveyor\.yml|\.drone\.ya?ml|\.woodpecker\.ya?ml|\.cirrus\.ya?ml|jenkinsfile`,
    ),
    does: 'runs in continuous integration, often with its secrets',
  },
  {
    pattern: folder(String.raw`\.vscode|\.idea|\.fleet|\.zed|\.devcontainer`),
    does: 'changes how editors behave, and can start tasks',
  },
  {
    pattern: file(String.raw`[^/]+\.code-workspace|\.devcontainer\.json|\.nvimrc|\.exrc|\.vimrc`),
    does: 'changes how editors behave, and can start tasks',
  },
  {
    pattern: folder(String.raw`\.husky|\.githooks`),
    does: 'runs with the next git command',
  },
  {
    pattern: file(
      String.raw`\.pre-commit-config\.ya?ml|\.?lefthook(?:-local)?\.ya?ml|\.gitconfig|\.gitmodules`,
    ),
    does: 'runs with the next git command, or leads it elsewhere',
  },
  {
    pattern: file(
      String.raw`\.npmrc|\.yarnrc(?:\.yml)?|\.pnpmfile\.c?js|bunfig\.toml|pip\.conf|\.pypirc|\.cargo/config(?:\.toml)?|nuget\.config`,
    ),
    does: 'decides where packages come from, and what runs when they are installed',
  },
  {
    pattern: file(
      String.raw`\.(?:bash|z|k|c)shrc|\.bashrc|\.bash_(?:profile|login|logout)|\.profile|\.zprofile|\.zshenv|\.zlogin|\.envrc|\.?mise\.toml|\.ssh/[^/]+`,
    ),
    does: 'runs when a shell opens, or decides who may log in',
  },
];

/**
 * What a file decides that makes an edit of it worth a second look, to stand behind "this file"; null if nothing.
 *
 * @param path relative to the workspace, with `/`. Other spellings that a file system may take for the same name (case,
 *   compatibility forms, ignored characters, trailing dots) are known too.
 */
export function sensitive(path: string): string | null {
  const plain = path
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .split(/[/\\]+/)
    .map((part) => (/^\.+$/.test(part) ? part : part.replace(/[. ]+$/, '')))
    .filter((part) => part !== '.' && part !== '')
    .join('/');
  return rules.find(({ pattern }) => pattern.test(plain))?.does ?? null;
}
