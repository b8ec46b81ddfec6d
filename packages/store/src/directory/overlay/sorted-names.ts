import type { RawName } from '@varve/pack/objects'

/**
 * Names sorted or merged before the caller gets its turn; the engine's own sort takes about 2 ms for so many.
 */
export const sliceNames = 4096

/**
 * The names in byte order. A merge sort over runs that the engine sorts, because sorting a million names in
 * one call would hold up the event loop for a second. Yields between slices of work.
 */
export function* sortedNames(names: Iterable<RawName>): Generator<void, readonly RawName[], undefined> {
  let runs = [...cutIntoRuns(names)]
  for (const [at, run] of runs.entries()) {
    run.sort()
    if (at > 0) yield
  }
  while (runs.length > 1) {
    const merged: RawName[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      const left = runs[at] as RawName[]
      const right = runs[at + 1]
      merged.push(right === undefined ? left : yield* mergeRuns(left, right))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* cutIntoRuns(names: Iterable<RawName>): Generator<RawName[], void, undefined> {
  let run: RawName[] = []
  for (const name of names) {
    if (run.length === sliceNames) {
      yield run
      run = []
    }
    run.push(name)
  }
  if (run.length > 0) yield run
}

function* mergeRuns(left: RawName[], right: RawName[]): Generator<void, RawName[], undefined> {
  const merged: RawName[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    const a = left[l] as RawName
    const b = right[r] as RawName
    if (a <= b) {
      merged.push(a)
      l++
    } else {
      merged.push(b)
      r++
    }
    if (merged.length % sliceNames === 0) yield
  }
  while (l < left.length) merged.push(left[l++] as RawName)
  while (r < right.length) merged.push(right[r++] as RawName)
  return merged
}
