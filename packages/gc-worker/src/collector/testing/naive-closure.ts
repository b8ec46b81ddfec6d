import { indexKindOf, recordKind } from '@varve/pack/objects'
import type { CollectJob } from '../../job/index.ts'
import type { KnownRecord, SmallStore } from './small-store.ts'

export interface NaiveOptions {
  readonly job: CollectJob
  /** Offsets below the old boundary that the generation still holds. */
  readonly alive: ReadonlySet<number>
  /** What earlier collections carried on for its age. */
  readonly carried: readonly (readonly [offset: number, time: number])[]
  /** Pins of the rounds, and the lowest place from which a round pinned everything. */
  readonly pins?: readonly number[]
  readonly pinFrom?: number | undefined
}

/** What a collection must keep below its new boundary, found the slow and obvious way. */
export function naiveKept(
  store: SmallStore,
  o: NaiveOptions,
): { kept: number[]; carried: [number, number][] } {
  const { job } = o
  const limit = job.newRetire
  const isThere = (r: KnownRecord): boolean => r.offset >= job.previous.retire || o.alive.has(r.offset)
  const all = [...store.records.values()].filter(isThere)
  const state = new Map<string, KnownRecord>()
  const metas = [...store.records.values()]
    .filter((r) => r.meta !== undefined)
    .sort((a, b) => a.offset - b.offset)
  for (const r of metas) if (r.offset < job.start) state.set(r.meta?.key as string, r)
  const held = [...state.values(), ...metas.filter((r) => r.offset >= job.start)]
  const keepFrom = Math.min(job.target?.offset ?? Infinity, job.pinFrom ?? Infinity, o.pinFrom ?? Infinity)
  const roots: number[] = [...job.keep.offsets, ...job.pins, ...(o.pins ?? [])]
  if (job.target !== undefined) roots.push(job.target.offset)
  const refs: number[] = []
  for (const r of held) {
    if (r.meta?.isDeleted === true) continue
    roots.push(...r.references)
    if (r.meta?.key.startsWith('1 ') === true) refs.push(...r.references)
  }
  const carried: [number, number][] = []
  for (const [offset, time] of o.carried) if (time > job.youngAfterMs) carried.push([offset, time])
  for (const r of all) {
    const isObject = indexKindOf(r.kind) !== undefined
    const isTouch = r.kind === recordKind.touch
    if (!isObject && !isTouch) continue
    if (r.offset >= Math.min(keepFrom, limit)) roots.push(r.offset)
    // What the generation says of age is in its lists, not in its records.
    if (r.offset < job.previous.retire || r.offset >= limit || r.time <= job.youngAfterMs) continue
    if (isTouch) carried.push([r.references[0] as number, r.time])
    else if (r.isBare) carried.push([r.offset, r.time])
  }
  roots.push(...carried.map(([offset]) => offset))
  if (job.target === undefined) {
    const later = all.filter((r) => r.kind === recordKind.commit && r.offset >= job.start)
    roots.push(...commitsReached(all, [...refs, ...later.map((r) => r.offset)]))
  }
  const kept = closure(store, roots).filter((offset) => offset < limit)
  carried.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  return { kept, carried }
}

function closure(store: SmallStore, roots: readonly number[]): number[] {
  const seen = new Set<number>()
  const work = [...roots]
  for (let offset = work.pop(); offset !== undefined; offset = work.pop()) {
    if (seen.has(offset) || offset === 0) continue
    seen.add(offset)
    const record = store.records.get(offset) as KnownRecord
    work.push(...record.references)
  }
  return [...seen].sort((a, b) => a - b)
}

function commitsReached(all: readonly KnownRecord[], from: readonly number[]): number[] {
  const byHash = new Map<string, KnownRecord>()
  const byOffset = new Map(all.map((r) => [r.offset, r]))
  // Of several copies the lowest counts.
  for (const r of all.toSorted((a, b) => b.offset - a.offset))
    if (r.kind === recordKind.commit) byHash.set(r.hash, r)
  const seen = new Set<number>()
  const work = [...from]
  for (let offset = work.pop(); offset !== undefined; offset = work.pop()) {
    if (seen.has(offset)) continue
    seen.add(offset)
    for (const parent of byOffset.get(offset)?.parents ?? []) {
      const found = byHash.get(parent)
      if (found !== undefined) work.push(found.offset)
    }
  }
  return [...seen]
}
