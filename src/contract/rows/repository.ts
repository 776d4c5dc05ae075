import { z } from 'zod';
import { op } from '../operation.ts';

/** A path of the repository as a caller gives it. Whether it may be read is asked behind the schema. */
const RepoPath = z.string().max(4096);

/** A file or folder that clients may read, and until when. */
export const AllowedPath = z.object({
  path: z.string(),
  type: z.enum(['file', 'dir']),
  expires_at: z.string(),
});
export type AllowedPath = z.infer<typeof AllowedPath>;
const allowed = z.object({ paths: z.array(AllowedPath) });

const clientRead = {
  method: 'get',
  role: 'actions',
  status: 200,
  effect: 'read',
  actions: true,
  mcp: true,
} as const;
const silent = { actions: false, mcp: false } as const;
/** The folder of a repository: as a list of repositories shows it, or as it is. */
const repoInput = z.object({ path: z.string().min(1).max(4096) });

/** What clients may read of the repository, and who says so. */
export const repositoryRows = {
  readTree: op({
    ...clientRead,
    path: '/tree',
    input: z.object({
      path: RepoPath.default('.'),
      /** 0 lists the folder's own files, each level more those of one level of folders below. */
      max_depth: z.int().min(0).max(6).default(3),
    }),
    output: z.object({ files: z.array(z.string()), truncated: z.boolean() }),
    refusals: [400, 404],
    summary: 'Lists the text files of a folder that clients may read, at most 2,000.',
  }),
  readFile: op({
    ...clientRead,
    path: '/file',
    input: z.object({
      path: RepoPath.min(1),
      start_line: z.int().min(1).default(1),
      end_line: z.int().min(1).default(500),
    }),
    output: z.string(),
    text: true,
    refusals: [400, 404, 413],
    summary: 'Reads lines of a text file, at most 500 and 250,000 bytes; secrets are left out.',
  }),
  search: op({
    ...clientRead,
    path: '/search',
    input: z.object({ q: z.string().min(3).max(128), ext: z.string().max(32).optional() }),
    output: z.object({
      results: z.array(z.object({ file: z.string(), line: z.int(), content: z.string() })),
      truncated: z.boolean(),
    }),
    summary:
      'Finds lines that hold a text, in any case; at most 50. ext narrows it to a file type.',
  }),
  readDiff: op({
    ...clientRead,
    path: '/diff',
    input: z.object({
      base: z.string().max(256).default('main'),
      head: z.string().max(256).default('HEAD'),
      /** The summary instead of the changes themselves. */
      stat: z.boolean().default(false),
    }),
    output: z.string(),
    text: true,
    refusals: [400, 413],
    summary: 'Shows what changed between two commits, at most 250,000 bytes; secrets are left out.',
  }),
  listRepos: op({
    method: 'get',
    path: '/ui/repos',
    role: 'operator',
    input: z.object({}),
    output: z.object({
      root: z.string(),
      active_repo: z.string(),
      repos: z.array(z.object({ name: z.string(), path: z.string() })),
    }),
    status: 200,
    summary: 'Lists the repositories that can be selected.',
    effect: 'read',
    ...silent,
  }),
  getActiveRepo: op({
    method: 'get',
    path: '/ui/repos/active',
    role: 'operator',
    input: z.object({}),
    output: z.object({ active_repo: z.string() }),
    status: 200,
    summary: 'Tells which repository tree, file, search and diff look at.',
    effect: 'read',
    ...silent,
  }),
  openRepo: op({
    method: 'post',
    path: '/ui/repos/open',
    role: 'admin',
    input: repoInput,
    query: ['path'],
    output: z.object({ status: z.literal('success'), message: z.string(), path: z.string() }),
    status: 200,
    refusals: [400, 404],
    summary: 'Checks that a repository can be selected.',
    effect: 'mutation',
    ...silent,
  }),
  selectRepo: op({
    method: 'post',
    path: '/ui/repos/select',
    role: 'admin',
    input: repoInput,
    query: ['path'],
    output: z.object({ status: z.literal('success'), active_repo: z.string() }),
    status: 200,
    refusals: [400, 404],
    summary:
      'Makes tree, file, search and diff look at another repository, and moves nothing else.',
    effect: 'mutation',
    ...silent,
  }),
  vitaminizeRepo: op({
    method: 'post',
    path: '/ui/repos/vitaminize',
    role: 'admin',
    input: repoInput,
    query: ['path'],
    output: z.object({
      status: z.literal('success'),
      created_files: z.array(z.string()),
      active_repo: z.string(),
    }),
    status: 200,
    refusals: [400, 404],
    summary: 'Prepares a repository for GIMO: makes what is missing and overwrites nothing.',
    effect: 'mutation',
    ...silent,
  }),
  getAllowlist: op({
    method: 'get',
    path: '/ui/allowlist',
    role: 'operator',
    input: z.object({}),
    output: allowed,
    status: 200,
    summary: 'Lists the files and folders that clients may read.',
    effect: 'read',
    ...silent,
  }),
  setAllowlist: op({
    method: 'put',
    path: '/ui/allowlist',
    role: 'admin',
    input: z.object({
      paths: z
        .array(
          z.object({
            path: RepoPath.min(1),
            /** Left out or null: as long as the server usually allows. */
            expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
          }),
        )
        .max(1000),
    }),
    output: allowed,
    status: 200,
    summary: 'Says which files and folders clients may read, and until when.',
    effect: 'mutation',
    ...silent,
  }),
};
