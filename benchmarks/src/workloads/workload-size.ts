/** How much of each workload there is. */
export interface WorkloadSize {
  /** W1: commits, and new keys in each. */
  readonly growthCommits: number
  readonly growthKeys: number
  /** W2: commits, and overwrites in each. */
  readonly overwriteCommits: number
  readonly overwriteKeys: number
  /** W3: reads. */
  readonly reads: number
  /** W4: commits behind the head that a collection keeps, and small commits before and after it. */
  readonly keptCommits: number
  readonly smallCommits: number
  /** W5: commits, entries in each, and commits of one overwrite. */
  readonly largeCommits: number
  readonly largeKeys: number
  readonly largeUpdates: number
}

export type SizeName = 'full' | 'hundredth'

export const workloadSizes: Readonly<Record<SizeName, WorkloadSize>> = {
  /** As the reference defines them. */
  full: {
    growthCommits: 200,
    growthKeys: 1_000,
    overwriteCommits: 500,
    overwriteKeys: 200,
    reads: 100_000,
    keptCommits: 50,
    smallCommits: 1_000,
    largeCommits: 100,
    largeKeys: 10_000,
    largeUpdates: 1_000,
  },
  /** One in a hundred keys, reads, and updates, in fewer and smaller commits. */
  hundredth: {
    growthCommits: 20,
    growthKeys: 100,
    overwriteCommits: 50,
    overwriteKeys: 20,
    reads: 1_000,
    keptCommits: 5,
    smallCommits: 10,
    largeCommits: 10,
    largeKeys: 1_000,
    largeUpdates: 10,
  },
}

/** Keys that W1 makes. */
export function growthCount(size: WorkloadSize): number {
  return size.growthCommits * size.growthKeys
}

/** Keys that the first part of W5 makes. */
export function largeCount(size: WorkloadSize): number {
  return size.largeCommits * size.largeKeys
}
