/** What the projections say that the log does not say. */
import type { Kv } from '../kv/index.ts'

/** At most so many are told apart. */
const TOLD_MAX = 100

export interface ComparedProjections {
  readonly kv: Kv
  readonly spaces: { readonly refs: string; readonly git: string }
  /** Of the log: ref to hash. */
  readonly refs: () => ReadonlyMap<string, string>
  /** What a commit says of its origin; `undefined` when it says nothing, or is not in the store. */
  readonly gitIdOf: (hash: string) => string | undefined
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
  const seen = new Set<string>()
  const before = o.refs()
  for await (const { key, value } of o.kv.range(o.spaces.refs)) {
    seen.add(key)
    if (before.get(key) !== value) doubtful.add(key)
  }
  for (const key of before.keys()) if (!seen.has(key)) doubtful.add(key)
  const found: string[] = []
  for await (const { key, value } of o.kv.range(o.spaces.git)) {
    const id = o.gitIdOf(value)
    if (id !== undefined && id !== key) found.push(`commit ${value} did not come from Git's ${key}`)
    if (found.length >= TOLD_MAX) break
  }
  await o.settled()
  const now = o.refs()
  for (const key of doubtful) {
    if (found.length >= TOLD_MAX) break
    if (!o.isWaiting(key) && o.kv.getSync(o.spaces.refs, key) !== now.get(key)) {
      found.push(`${key} is not where the log says`)
    }
  }
  if (o.kv.damage !== undefined) found.push(o.kv.damage.what)
  return found
}
