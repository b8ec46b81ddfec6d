import type { Commit, CommitLike, LogOptions } from '../api/index.ts'
import type { ReaderRooms } from '../assembly/index.ts'
import { CommitHandle, findCommit } from '../branches/index.ts'
import { pause } from '../directory/index.ts'
import { commitLog } from '../history/index.ts'
import type { StoredCommit } from '../reader/index.ts'

/** The commits of `store.log`, one by one, with pauses. @throws UNKNOWN_COMMIT, COLLECTED, INVALID_PATH */
export function* storeLog(
  rooms: ReaderRooms,
  from: CommitLike | readonly CommitLike[],
  o: LogOptions,
): Generator<Commit | typeof pause, void, undefined> {
  const starts = (Array.isArray(from) ? from : [from]) as readonly CommitLike[]
  const query = {
    from: starts.map((commit) => findCommit(rooms, commit)),
    not: (o.not ?? []).map((commit) => findCommit(rooms, commit)),
    firstParent: o.firstParent ?? false,
    keep: o.path === undefined ? undefined : changesPath(rooms, o.path),
  }
  let left = o.limit ?? Number.POSITIVE_INFINITY
  for (const stored of commitLog((hash) => rooms.objects.commit(hash), query)) {
    if (stored === undefined) {
      yield pause
      continue
    }
    if (left-- <= 0) return
    yield new CommitHandle(stored, rooms.storage)
  }
}

/** Keeps a commit when the path is not the same in it as in each of its parents. */
function changesPath(
  rooms: ReaderRooms,
  path: NonNullable<LogOptions['path']>,
): (commit: StoredCommit, parents: readonly StoredCommit[]) => boolean {
  const at = (commit: StoredCommit): string | undefined => {
    const entry = new CommitHandle(commit, rooms.storage).tree().statSync(path)
    if (entry === undefined) return undefined
    return entry.kind === 'blob' ? `${entry.mode} ${entry.hash}` : entry.hash
  }
  return (commit, parents) => {
    const here = at(commit)
    if (parents.length === 0) return here !== undefined
    return parents.every((parent) => at(parent) !== here)
  }
}
