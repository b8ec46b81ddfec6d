import { join } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import type { Commit, Store } from '@varve/store'
import type { GitRepository, IdSize } from '../git/index.ts'
import type { HostFiles } from '../host/index.ts'
import { importHistory } from './import-history.ts'
import type { ImportCounts, ImportOutcome } from './import-outcome.ts'
import { type KnownHistory, knownHistory } from './known-commits.ts'
import { type MovedRef, refMoves } from './ref-moves.ts'
import { type PlannedRef, planRefs, type RefPlan, type SkippedRef } from './ref-plan.ts'
import { silentRefs } from './silent-refs.ts'

export interface RepositoryImport {
  readonly store: Store
  readonly repository: GitRepository
  readonly files: HostFiles
  /** Refs beside branches and tags: names, prefixes, patterns. */
  readonly refs: readonly string[]
  /** What to do about an object that Git cannot supply. */
  readonly missing: 'refuse' | 'skip'
  /** Moves branches also where the store has commits of its own, and tags that are others in the store. */
  readonly force: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((counts: ImportCounts) => void) | undefined
}

export interface RepositoryReport {
  readonly outcome: ImportOutcome
  readonly refs: readonly MovedRef[]
  readonly skipped: readonly SkippedRef[]
}

/**
 * Brings branches and tags with their whole history into a store; of what earlier imports brought, only what
 * is new. All refs move in one batch, after all objects.
 * @throws GIT_OBJECT_MISSING, REF_NOT_FOUND, ABORTED, and what the store throws; GitFailed
 */
export async function importRepository(o: RepositoryImport): Promise<RepositoryReport> {
  const plan = withLegalNames(o.store, await planOf(o))
  const known = await knownIn(o.store, o.repository.idSize)
  const { openBulk } = await import('@varve/store/internal')
  const bulk = await openBulk(o.store)
  const shallow = await Shallow.open(o.files, o.repository)
  try {
    const tips = [...new Set(plan.refs.map((ref) => ref.commit))]
    const outcome = await importHistory(tips, {
      repository: o.repository,
      sink: bulk,
      known,
      missing: o.missing,
      shallow: shallow.commits,
      withoutParents: (commits) => shallow.cutAt(commits),
      signal: o.signal,
      onProgress: o.onProgress,
    })
    const { moves, refs } = await refMoves(o.store, { plan, outcome, force: o.force })
    await bulk.finish(moves)
    return { outcome, refs, skipped: plan.skipped }
  } catch (cause) {
    await bulk.abort()
    throw cause
  } finally {
    await shallow.close()
  }
}

async function planOf({ repository, refs, files }: RepositoryImport): Promise<RefPlan> {
  const reader = repository.reader()
  try {
    const plan = await planRefs(repository, reader, refs)
    const listed = new Set([...plan.refs, ...plan.skipped].map(({ gitName }) => gitName))
    const silent = await silentRefs(files, { folder: repository.refsFolder, listed })
    return { refs: plan.refs, skipped: [...plan.skipped, ...silent] }
  } finally {
    await reader.close()
  }
}

/** Skips refs whose names the store does not take: Git takes longer ones. */
function withLegalNames(store: Store, plan: RefPlan): RefPlan {
  const refs: PlannedRef[] = []
  const skipped = [...plan.skipped]
  for (const ref of plan.refs) {
    const slash = ref.name.indexOf('/')
    const name = ref.name.slice(slash + 1)
    try {
      if (ref.name.startsWith('tags/')) store.tag(name)
      else store.branch(name)
      refs.push(ref)
    } catch (cause) {
      if (!VarveError.is(cause, 'INVALID_PATH')) throw cause
      skipped.push({ gitName: ref.gitName, reason: `no name for a ref here: ${cause.details.hint}` })
    }
  }
  return { refs, skipped }
}

/** What earlier imports have brought: of all that branches and tags reach. */
async function knownIn(store: Store, idSize: IdSize): Promise<KnownHistory> {
  const heads: Commit[] = []
  for await (const branch of store.branches()) heads.push(...present(await branch.head()))
  for await (const tag of store.tags()) heads.push(...present(await tag.target()))
  return knownHistory(store.log(heads), idSize)
}

function present<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item]
}

/** How Git is told at which commits a history ends: by a file that lists them. */
class Shallow {
  readonly #files: HostFiles
  readonly #folders: string[] = []
  /** Those that the repository itself ends at. */
  readonly commits: ReadonlySet<string>

  private constructor(files: HostFiles, commits: ReadonlySet<string>) {
    this.#files = files
    this.commits = commits
  }

  static async open(files: HostFiles, repository: GitRepository): Promise<Shallow> {
    const parts: Uint8Array[] = []
    if ((await files.kind(repository.shallowFile)) === 'file') {
      for await (const part of files.read(repository.shallowFile)) parts.push(part)
    }
    const ids = Buffer.concat(parts).toString('latin1').split('\n')
    return new Shallow(files, new Set(ids.filter((id) => id !== '')))
  }

  async cutAt(commits: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const folder = await this.#files.makeTemporaryFolder('varve-import-')
    this.#folders.push(folder)
    const path = join(folder, 'shallow')
    const lines = commits.map((id) => `${id}\n`).join('')
    await this.#files.create(path, Buffer.from(lines), { isExecutable: false })
    return { GIT_SHALLOW_FILE: path }
  }

  /** Removes the files that it made. */
  async close(): Promise<void> {
    for (const folder of this.#folders.splice(0)) await this.#files.removeFolder(folder)
  }
}
