/** What the projections say that the log does not say. */
import type { Kv } from '../kv/index.ts'

/** At most so many are told apart. */
const TOLD_MAX = 100
/** Looked up between two turns of the event loop. */
const REFS_PER_SLICE = 256

export interface ComparedProjections {
  readonly kv: Kv
  readonly spaces: { readonly refs: string; readonly git: string }
  /** Refs of the log with their hashes. */
  readonly refs: () => Iterable<{ readonly key: string; readonly hash: string }>
  /** The hash of one. */
  readonly refAt: (key: string) => string | undefined
  /** What a commit says of its origin; `undefined` when it says nothing, or is not in the store. */
  readonly gitIdOf: (hash: string) => string | undefined
  /** Lets the event loop in. */
  readonly turn: () => Promise<void>
  /** Everything said so far has been written, or could not be. */
  readonly settled: () => Promise<void>
  /** A change of that ref has yet to be written. */
  readonly isWaiting: (ref: string) => boolean
}

/**
 * Goes through the projections entry by entry; what has changed meanwhile is looked at again. A Git id whose
 * commit has been collected is no disagreement: it goes behind the caller's back.
 */
export async function disagreements(o: ComparedProjections): Promise<string[]> {
  await o.settled()
  const doubtful = new Set<string>()
  for await (const { key, value } of o.kv.range(o.spaces.refs)) {
    if (o.refAt(key) !== value) doubtful.add(key)
  }
  let left = REFS_PER_SLICE
  for (const { key, hash } of o.refs()) {
    if (o.kv.getSync(o.spaces.refs, key) !== hash) doubtful.add(key)
    if (--left > 0) continue
    left = REFS_PER_SLICE
    await o.turn()
  }
  const found: string[] = []
  for await (const { key, value } of o.kv.range(o.spaces.git)) {
    const id = o.gitIdOf(value)
    if (id !== undefined && id !== key) found.push(`commit ${value} did not come from Git's ${key}`)
    if (found.length >= TOLD_MAX) break
  }
  await o.settled()
  for (const key of doubtful) {
    if (found.length >= TOLD_MAX) break
    if (!o.isWaiting(key) && o.kv.getSync(o.spaces.refs, key) !== o.refAt(key)) {
      found.push(`${key} is not where the log says`)
    }
  }
  if (o.kv.damage !== undefined) found.push(o.kv.damage.what)
  return found
}
