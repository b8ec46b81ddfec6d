import { throwIfAborted } from '@varve/pack/errors'
import type { GitRepository } from '../git/index.ts'
import { IdMap, idState } from './id-map.ts'
import { type ImportCounts, ImportOutcome } from './import-outcome.ts'
import { ImportPass } from './import-pass.ts'
import type { ImportSink } from './import-sink.ts'
import type { KnownHistory } from './known-commits.ts'
import { lostObject } from './missing-object.ts'

/** How often an import begins again because git ended over an object that it could not read. */
const PASSES_MAX = 100

export interface ImporterOptions {
  readonly repository: GitRepository
  readonly sink: ImportSink
  readonly known: KnownHistory
  /** What to do about an object that Git cannot supply. */
  readonly missing: 'refuse' | 'skip'
  /** Variables for git under which it takes these commits for such without parents. */
  readonly withoutParents: (commits: readonly string[]) => Promise<Readonly<Record<string, string>>>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((counts: ImportCounts) => void) | undefined
}

/**
 * Copies the histories of these commits from Git into the sink: blobs are put as they come, a commit's trees are
 * converted when all of its objects have come, then the commit is put; parents come first. An object that is needed
 * and was not listed (an earlier import has it, or Git lacks it) is looked for in the last known commit, then asked
 * of Git by itself. When git ends over an object that it cannot read, the histories are read again without it.
 * @param tips Git ids of commits, hex
 * @throws GIT_OBJECT_MISSING unless missing objects are to be skipped; ABORTED; GitFailed
 */
export async function importHistory(
  tips: readonly string[],
  options: ImporterOptions,
): Promise<ImportOutcome> {
  const ids = new IdMap(options.repository.idSize)
  for (const { id, hash } of options.known.commits.values())
    ids.setCommit(ids.addHex(id, idState.commit), hash)
  const outcome = new ImportOutcome(ids, options.missing)
  const avoided = { excluded: new Set<string>(), cut: new Set<string>() }
  for (let passCount = 1; ; passCount++) {
    const wanted = tips.filter((id) => !avoided.excluded.has(id))
    const pass = new ImportPass({
      ...options,
      ids,
      outcome,
      tips: wanted,
      excluded: avoided.excluded,
      cutAt: [...avoided.cut],
    })
    try {
      await pass.run()
      return outcome
    } catch (cause) {
      throwIfAborted(options.signal)
      if (passCount === PASSES_MAX || !avoid(cause, { ...avoided, tips: wanted, ids, outcome })) throw cause
    } finally {
      await pass.close()
    }
  }
}

/**
 * Takes care that the next pass does not end over the same object. False when the failure was not about one, or
 * about one that was avoided already.
 */
function avoid(
  cause: unknown,
  o: {
    readonly excluded: Set<string>
    readonly cut: Set<string>
    readonly tips: readonly string[]
    readonly ids: IdMap
    readonly outcome: ImportOutcome
  },
): boolean {
  const lost = lostObject(cause)
  if (lost === undefined) return false
  if (lost.kind === 'parent') {
    if (o.cut.has(lost.commit)) return false
    o.cut.add(lost.commit)
    o.outcome.leaveOut({ commit: lost.commit, path: '', id: lost.id })
    return true
  }
  if (o.excluded.has(lost.id)) return false
  o.excluded.add(lost.id)
  if (o.tips.includes(lost.id)) o.outcome.leaveOut({ commit: lost.id, path: '', id: lost.id })
  // Anything else is come upon again in the next pass, which then knows the commit and the path.
  else if (o.ids.findHex(lost.id) < 0) o.ids.addHex(lost.id, idState.absent)
  return true
}
