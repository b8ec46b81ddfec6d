/** Branches and tags whose commits cannot be made whole, and the last commits before them that are. */
import { VarveError } from '@varve/pack/errors'
import { type RawHash, rawToHex } from '@varve/pack/objects'
import type { Hash } from '../api/index.ts'
import type { StoreRooms } from '../assembly/index.ts'
import { appendRef, settleRef } from '../branches/index.ts'
import type { ObjectReader, StoredCommit } from '../reader/index.ts'
import type { RefStore } from '../refs/index.ts'
import { earlierTargets, type ReadLog } from './earlier-targets.ts'
import type { RepairStep } from './repair-step.ts'

/** Commits looked at for one ref. */
const STEPS_MAX = 100_000

interface Histories {
  readonly objects: ObjectReader
  readonly refs: RefStore
}

/**
 * @param broken hashes (hex) of commits that are not whole though their records are
 * @returns one step for each ref that is to be moved; one without `after` knows no whole commit before it
 * @throws what the file system throws
 */
export async function refMoves(
  { objects, refs }: Histories,
  log: ReadLog,
  broken: ReadonlySet<string>,
): Promise<RepairStep[]> {
  const known = [...refs.listed()].filter(({ key }) => isCertain(refs, key))
  const moved = known.filter(({ target }) => !isWhole(objects, target.hash, broken))
  // Of a commit that cannot be read nobody knows the parents: the log says where its ref was before.
  const unread = moved.filter(({ target }) => readable(objects, target.hash) === undefined)
  const earlier = await earlierTargets(log, new Set(unread.map(({ key }) => key)))
  const steps: RepairStep[] = []
  for (const { key, target } of moved) {
    const whole = lastWhole(objects, [target.hash, ...(earlier.get(key) ?? [])], broken)
    steps.push({
      action: 'move-ref',
      ref: key,
      before: rawToHex(target.hash) as Hash<'commit'>,
      ...(whole !== undefined && { after: rawToHex(whole.hash) as Hash<'commit'> }),
    })
  }
  return steps
}

/** Takes the steps that lead somewhere. @throws WRITER_FAILED */
export async function moveRefs(rooms: StoreRooms, steps: readonly RepairStep[]): Promise<void> {
  for (const { ref, after } of steps) {
    if (ref === undefined || after === undefined) continue
    while (rooms.queue.isBlocked) await rooms.queue.unblocked()
    const commit = rooms.objects.commit(Buffer.from(after, 'hex').toString('latin1'))
    const before = rooms.refs.newest(ref)
    if (commit === undefined || before === undefined) continue
    const { hash, offset } = commit
    await settleRef(rooms, appendRef(rooms, ref, { ...before, hash, offset, at: rooms.now() }), 'commit')
  }
}

/** The first of these commits and their ancestors, first parents first, that is whole. */
function lastWhole(
  objects: ObjectReader,
  newestFirst: readonly RawHash[],
  broken: ReadonlySet<string>,
): StoredCommit | undefined {
  const rest: RawHash[] = [...newestFirst].reverse()
  const seen = new Set<RawHash>()
  for (let hash = rest.pop(); hash !== undefined && seen.size < STEPS_MAX; hash = rest.pop()) {
    if (seen.has(hash)) continue
    seen.add(hash)
    const commit = readable(objects, hash)
    if (commit === undefined) continue
    if (!broken.has(rawToHex(hash))) return commit
    rest.push(...[...commit.parents].reverse())
  }
  return undefined
}

/** One that damage may have taken a later record of stays in doubt: it may be elsewhere. */
function isCertain(refs: RefStore, key: string): boolean {
  try {
    return refs.newest(key) !== undefined
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return false
    throw error
  }
}

function isWhole(objects: ObjectReader, hash: RawHash, broken: ReadonlySet<string>): boolean {
  return readable(objects, hash) !== undefined && !broken.has(rawToHex(hash))
}

function readable(objects: ObjectReader, hash: RawHash): StoredCommit | undefined {
  try {
    return objects.commit(hash)
  } catch (error) {
    const codes = ['CORRUPT', 'COLLECTED', 'LOWER_UNAVAILABLE'] as const
    if (codes.some((code) => VarveError.is(error, code))) return undefined
    throw error
  }
}
