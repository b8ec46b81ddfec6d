import { GitRepository } from '../../git/index.ts'
import { importRepository, type RepositoryReport } from '../../git-import/index.ts'
import { progressView } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, openForWriting, userPath } from '../context/index.ts'
import { showImport } from './import-report.ts'

export interface ImportGitOptions {
  /** Refs beside branches and tags. */
  readonly refs: readonly string[]
  readonly missing: 'refuse' | 'skip'
  /** Moves branches also where the store has commits of its own. */
  readonly force: boolean
}

/** Exit code 3 when something of the repository is not in the store now. */
export async function importGit(
  context: CommandContext,
  folder: string,
  options: ImportGitOptions,
): Promise<number> {
  const { host, signal } = context
  const { environment, files, clock } = host
  const repository = await GitRepository.open({ folder: userPath(context, folder), environment, signal })
  return openForWriting(context, async (store) => {
    const view = await progressView(host, context.options)
    try {
      const startedMs = clock.monotonic()
      const total = await repository.objectCount()
      const report = await importRepository({
        ...{ store, repository, files, signal, ...options },
        onProgress: ({ commits, trees, blobs, bytes }) =>
          view.update({ label: 'importing', done: commits + trees + blobs, total, bytes }),
      })
      view.stop()
      const seconds = (clock.monotonic() - startedMs) / 1_000
      await showImport(context, { ...report, repository: repository.folder, seconds })
      return isComplete(report) ? 0 : EXIT_FINDINGS
    } finally {
      view.stop()
    }
  })
}

const completeStates: ReadonlySet<string> = new Set(['new', 'moved', 'same'])

function isComplete({ outcome, refs, skipped }: RepositoryReport): boolean {
  const isEveryRef = refs.every(({ state }) => completeStates.has(state))
  return isEveryRef && skipped.length === 0 && outcome.leftOut.length === 0
}
