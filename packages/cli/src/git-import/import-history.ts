import { throwIfAborted } from '@varve/pack/errors'
import type { GitRepository } from '../git/index.ts'
import { idState } from './conversion/id-map.ts'
import { type ImportCounts, ImportOutcome } from './import-outcome.ts'
import { ImportPass, type PassOptions } from './import-pass.ts'
import type { ImportSink } from './import-sink.ts'
import type { KnownHistory } from './known-commits.ts'
import { commitsWithoutParent, isAboutTree, lostObject } from './missing-object.ts'

/** How often an import begins again because git ended over an object that it could not read. */
const PASSES_MAX = 100

export interface ImporterOptions {
  readonly repository: GitRepository
  readonly sink: ImportSink
  readonly known: KnownHistory
  /** What to do about an object that Git cannot supply. */
  readonly missing: 'refuse' | 'skip'
  /** The commits of a shallow repository that Git takes for such without parents. */
  readonly shallow: ReadonlySet<string>
  /** Variables for git under which it takes these commits for such. */
  readonly withoutParents: (commits: readonly string[]) => Promise<Readonly<Record<string, string>>>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((counts: ImportCounts) => void) | undefined
}

/**
 * Copies the histories of these commits from Git into the sink: blobs are put as they come, a commit's trees
 * are converted when all of its objects have come, then the commit is put; parents come first. An object that
 * is needed and was not listed (an earlier import has it, or Git lacks it) is looked for in the last known
 * commit, then asked of Git by itself. When git ends over an object that it cannot read, the histories are
 * read again without it; where it does not say over which, without listing trees.
 * @param tips Git ids of commits, hex
 * @throws GIT_OBJECT_MISSING unless missing objects are to be skipped; ABORTED; GitFailed
 */
export async function importHistory(
  tips: readonly string[],
  options: ImporterOptions,
): Promise<ImportOutcome> {
  const { ids } = options.known
  const outcome = new ImportOutcome(ids, options.missing)
  const avoided = new Avoided(tips, options, outcome)
  for (let passCount = 1; ; passCount++) {
    const pass = new ImportPass({ ...options, ids, outcome, ...(await avoided.forPass()) })
    try {
      await pass.run()
      return outcome
    } catch (cause) {
      throwIfAborted(options.signal)
      const lost = lostObject(cause)
      const isAvoided =
        lost === undefined ? isAboutTree(cause) && avoided.addTrees() : await avoided.add(lost)
      if (passCount === PASSES_MAX || !isAvoided) throw cause
      if (lost !== undefined && ids.findHex(lost) < 0) ids.addHex(lost, idState.absent)
    } finally {
      await pass.close()
    }
  }
}

/** What a pass has to go around, because git ends over it. */
class Avoided {
  readonly #tips: readonly string[]
  readonly #o: ImporterOptions
  readonly #outcome: ImportOutcome
  readonly #lost = new Set<string>()
  readonly #cut: Set<string>
  #isCommitsOnly = false

  constructor(tips: readonly string[], options: ImporterOptions, outcome: ImportOutcome) {
    this.#tips = tips
    this.#o = options
    this.#outcome = outcome
    this.#cut = new Set(options.shallow)
  }

  async forPass(): Promise<Pick<PassOptions, 'tips' | 'excluded' | 'isCommitsOnly' | 'variables'>> {
    const isCut = this.#cut.size > this.#o.shallow.size
    return {
      tips: this.#tips.filter((id) => !this.#lost.has(id)),
      excluded: this.#lost,
      isCommitsOnly: this.#isCommitsOnly,
      variables: isCut ? await this.#o.withoutParents([...this.#cut]) : undefined,
    }
  }

  /** False when nothing more can be done about it. @throws GIT_OBJECT_MISSING */
  async add(lost: string): Promise<boolean> {
    if (this.#lost.has(lost) && this.#isCommitsOnly) return false
    this.#lost.add(lost)
    if (this.#tips.includes(lost)) this.#outcome.leaveOut({ commit: lost, path: '', id: lost })
    else if (!(await this.#cutAbove())) this.#isCommitsOnly = true
    return true
  }

  /** For a tree that git ends over without naming it: none are listed any more. False when none were. */
  addTrees(): boolean {
    const isNew = !this.#isCommitsOnly
    this.#isCommitsOnly = true
    return isNew
  }

  /** Stops git at the commits that have a lost parent. False when there are none. */
  async #cutAbove(): Promise<boolean> {
    const reader = this.#o.repository.reader()
    try {
      const tips = this.#tips.filter((id) => !this.#lost.has(id))
      const found = await commitsWithoutParent(tips, { reader, lost: this.#lost, cut: this.#cut })
      for (const missing of found) {
        this.#cut.add(missing.commit)
        this.#outcome.leaveOut(missing)
      }
      return found.length > 0
    } finally {
      await reader.close()
    }
  }
}
