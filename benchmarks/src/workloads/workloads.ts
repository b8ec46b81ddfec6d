import { KeyTable } from './key-table.ts'
import { SplitMix64 } from './split-mix64.ts'
import { growthCount, largeCount, type WorkloadSize } from './workload-size.ts'

/** One write of a workload. */
export interface Write {
  /** Place of the key among those of W1, or of W5. */
  readonly index: number
  readonly path: readonly string[]
  readonly value: Buffer
}

/** Each workload draws from a stream of its own. */
const seeds = { growth: 42, overwrites: 43, reads: 44, small: 45, large: 46, largeUpdates: 47 } as const
const valueBytes = 100
const largeValueBytes = 32
const overwritesInSmall = 10

/** W1: commits of new keys, three levels deep. */
export function* growth(size: WorkloadSize): Generator<Write[]> {
  const random = new SplitMix64(seeds.growth)
  for (let commit = 0; commit < size.growthCommits; commit++) {
    yield Array.from({ length: size.growthKeys }, (_, i) => ({
      index: commit * size.growthKeys + i,
      path: growthPath(random),
      value: random.bytes(valueBytes),
    }))
  }
}

/** The keys of W1. */
export function growthKeys(size: WorkloadSize): KeyTable {
  return new KeyTable(paths(), growthCount(size))

  function* paths(): Generator<readonly string[]> {
    const random = new SplitMix64(seeds.growth)
    for (let index = 0; index < growthCount(size); index++) {
      yield growthPath(random)
      random.skipBytes(valueBytes)
    }
  }
}

/** W2: commits that overwrite keys of W1; the last write to a key wins. */
export function* overwrites(keys: KeyTable, size: WorkloadSize): Generator<Write[]> {
  const random = new SplitMix64(seeds.overwrites)
  for (let commit = 0; commit < size.overwriteCommits; commit++) {
    yield drawnWrites(keys, random, size.overwriteKeys)
  }
}

/** W3: reads of W1's keys, by their places. */
export function* reads(keys: { readonly count: number }, size: WorkloadSize): Generator<number> {
  const random = new SplitMix64(seeds.reads)
  for (let read = 0; read < size.reads; read++) yield random.index(keys.count)
}

/** W4: small commits that overwrite keys of W1, without an end. */
export function* smallCommits(keys: KeyTable): Generator<Write[], never> {
  const random = new SplitMix64(seeds.small)
  for (;;) yield drawnWrites(keys, random, overwritesInSmall)
}

/** W5: commits of new entries in one directory. */
export function* largeDirectory(size: WorkloadSize): Generator<Write[]> {
  const random = new SplitMix64(seeds.large)
  for (let commit = 0; commit < size.largeCommits; commit++) {
    yield Array.from({ length: size.largeKeys }, (_, i) => ({
      index: commit * size.largeKeys + i,
      path: largePath(random),
      value: random.bytes(largeValueBytes),
    }))
  }
}

/** The keys of W5. */
export function largeKeys(size: WorkloadSize): KeyTable {
  return new KeyTable(paths(), largeCount(size))

  function* paths(): Generator<readonly string[]> {
    const random = new SplitMix64(seeds.large)
    for (let index = 0; index < largeCount(size); index++) {
      yield largePath(random)
      random.skipBytes(largeValueBytes)
    }
  }
}

/** W5, second part: commits of one overwrite each. */
export function* largeUpdates(keys: KeyTable, size: WorkloadSize): Generator<Write[]> {
  const random = new SplitMix64(seeds.largeUpdates)
  for (let commit = 0; commit < size.largeUpdates; commit++) {
    const index = random.index(keys.count)
    yield [{ index, path: keys.path(index), value: random.bytes(largeValueBytes) }]
  }
}

function drawnWrites(keys: KeyTable, random: SplitMix64, count: number): Write[] {
  const writes = new Map<number, Write>()
  for (let i = 0; i < count; i++) {
    const index = random.index(keys.count)
    writes.set(index, { index, path: keys.path(index), value: random.bytes(valueBytes) })
  }
  return [...writes.values()]
}

function growthPath(random: SplitMix64): string[] {
  const outer = folder(random)
  const inner = folder(random)
  return [outer, inner, random.hex()]
}

function largePath(random: SplitMix64): string[] {
  return ['big', random.hex()]
}

function folder(random: SplitMix64): string {
  return (random.next().low & 255).toString(16).padStart(2, '0')
}
