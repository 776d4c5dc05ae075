import type { OpId } from '../contract/operations.ts';
import type { Handlers, MutationHandler } from './handlers.ts';
import type { Redactor } from './redaction.ts';
import type { Repos } from './repo-ports.ts';

type Effect<K extends OpId> = Awaited<ReturnType<MutationHandler<K>['prepare']>>['effect'];

/** Which repositories there are, and which one is looked at. */
export function repoHandlers({
  repos,
  redactor,
  active,
  select,
}: {
  repos: Repos;
  redactor: Pick<Redactor, 'redact'>;
  active: () => string;
  select: (repo: string) => void;
}): Pick<Handlers, 'listRepos' | 'getActiveRepo' | 'openRepo' | 'selectRepo' | 'vitaminizeRepo'> {
  const { shown } = repos;
  /** A mutation on the repository that the input names. */
  const onRepo = <K extends 'openRepo' | 'selectRepo' | 'vitaminizeRepo'>(
    effect: (repo: string) => ReturnType<Effect<K>>,
  ): MutationHandler<K> => ({
    lock: () => 'repos',
    async prepare({ path }) {
      const repo = await repos.find(path);
      return { target: redactor.redact(shown(repo)), effect: () => effect(repo) };
    },
  });
  return {
    listRepos: {
      read: async () => ({
        body: {
          root: shown(repos.bound),
          active_repo: shown(active()),
          repos: (await repos.list()).map(({ name, path }) => ({ name, path: shown(path) })),
        },
      }),
    },
    getActiveRepo: { read: async () => ({ body: { active_repo: shown(active()) } }) },
    openRepo: onRepo<'openRepo'>(async (repo) => ({
      body: { status: 'success', message: 'The repository is ready.', path: shown(repo) },
      changes: [],
    })),
    selectRepo: onRepo<'selectRepo'>(async (repo) => {
      select(repo);
      return { body: { status: 'success', active_repo: shown(repo) }, changes: [] };
    }),
    vitaminizeRepo: onRepo<'vitaminizeRepo'>(async (repo) => ({
      body: {
        ...{ status: 'success', created_files: await repos.prepare(repo) },
        active_repo: shown(active()),
      },
      changes: [],
    })),
  };
}
