import { SplitMix64 } from './split-mix64.ts'

/** One write of a workload. */
export interface Write {
  readonly path: readonly string[]
  readonly value: Buffer
}

export const keyCount = 200_000
const keysInCommit = 1_000
const overwritesInCommit = 200
const largeCount = 1_000_000
const largeBatch = 10_000

/** W1: 200 commits of 1,000 new keys, three levels deep. */
export function* growth(): Generator<Write[]> {
  const random = new SplitMix64(42)
  for (let commit = 0; commit < keyCount / keysInCommit; commit++) {
    yield Array.from({ length: keysInCommit }, () => ({ path: growthPath(random), value: random.bytes(100) }))
  }
}

function growthPath(random: SplitMix64): string[] {
  const outer = folder(random)
  const inner = folder(random)
  return [outer, inner, random.hex()]
}

/** W2: 500 commits, each overwriting 200 of W1's keys; the last write to a key wins. */
export function* overwrites(paths: readonly (readonly string[])[]): Generator<Write[]> {
  const random = new SplitMix64(43)
  for (let commit = 0; commit < 500; commit++) {
    const writes = new Map<number, Write>()
    for (let i = 0; i < overwritesInCommit; i++) {
      const index = random.index(keyCount)
      writes.set(index, { path: paths[index] as readonly string[], value: random.bytes(100) })
    }
    yield [...writes.values()]
  }
}

/** W3: 100,000 reads of W1's keys. */
export function reads(paths: readonly (readonly string[])[]): (readonly string[])[] {
  const random = new SplitMix64(44)
  return Array.from({ length: 100_000 }, () => paths[random.index(keyCount)] as readonly string[])
}

/** W5: a million entries in one directory, 10,000 a commit. */
export function* largeDirectory(): Generator<Write[]> {
  const random = new SplitMix64(46)
  for (let commit = 0; commit < largeCount / largeBatch; commit++) {
    yield Array.from({ length: largeBatch }, () => {
      const name = random.hex()
      return { path: ['big', name], value: random.bytes(32) }
    })
  }
}

/** W5, second part: 1,000 commits of one overwrite each. */
export function* largeUpdates(paths: readonly (readonly string[])[]): Generator<Write[]> {
  const random = new SplitMix64(47)
  for (let commit = 0; commit < 1_000; commit++) {
    const index = random.index(largeCount)
    yield [{ path: paths[index] as readonly string[], value: random.bytes(32) }]
  }
}

function folder(random: SplitMix64): string {
  return (random.next().low & 255).toString(16).padStart(2, '0')
}
