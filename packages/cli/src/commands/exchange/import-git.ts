import type { Store } from '@varve/store'
import { GitRepository } from '../../git/index.ts'
import { importRepository, type RepositoryReport } from '../../git-import/index.ts'
import { progressView } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, openForWriting, userPath } from '../context/index.ts'
import { showImport } from './import-report.ts'

export interface ImportGitOptions {
  /** Refs beside branches and tags. */
  readonly refs: readonly string[]
  readonly missing: 'refuse' | 'skip'
  /** Moves branches also where the store has commits of its own, and tags that are others in the store. */
  readonly force: boolean
}

/**
 * An import reads little of what it writes, and each object's id takes memory of its own until the end.
 */
const CACHE_BYTES = 16 * 1024 * 1024

/** Exit code 3 when something of the repository is not in the store now. */
export async function importGit(
  context: CommandContext,
  folder: string,
  options: ImportGitOptions,
): Promise<number> {
  const { host, signal } = context
  const { environment, files, clock } = host
  const repository = await GitRepository.open({ folder: userPath(context, folder), environment, signal })
  const work = async (store: Store): Promise<number> => {
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
  }
  return openForWriting(context, work, { cacheBytes: CACHE_BYTES })
}

const completeStates: ReadonlySet<string> = new Set(['new', 'moved', 'same'])

function isComplete({ outcome, refs, skipped }: RepositoryReport): boolean {
  const isEveryRef = refs.every(({ state }) => completeStates.has(state))
  return isEveryRef && skipped.length === 0 && outcome.leftOut.length === 0
}
