import { unreachable } from '../../base/index.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** A change that no sync has made durable yet, as those see it who decide what a crash leaves of it. */
export interface PendingChange {
  /** Counts all changes of a file system; the order in which they were made. */
  readonly sequence: number
  /** Of the file (for its bytes) or of the folder (for its names) that a sync would make durable. */
  readonly owner: number
  readonly kind: 'write' | 'truncate' | 'add' | 'remove' | 'rename'
  /** Of a write, in bytes; else 0. */
  readonly length: number
  /** For people: what it did, with its path. */
  readonly label: string
}

/**
 * What a crash leaves of one change.
 * 'both-names': of a rename, the new name is there and the old one too.
 * 'torn': of a write, only some sectors.
 */
export type CrashFate =
  | { readonly kind: 'kept' | 'lost' | 'both-names' }
  | { readonly kind: 'torn'; readonly tear: Tear }

/** Sectors are counted from the start of the file. */
export interface Tear {
  readonly sectorBytes: number
  /** By number of the sector within the write. */
  isKept(sector: number): boolean
  /** What stands where the file grew and the sector is missing. Elsewhere the old bytes stay. */
  readonly filler: 0 | 0xaa
  /** Whether the file has its new size although its last bytes are missing. */
  readonly hasSize: boolean
}

/** How a torn write is cut: not at all, at any byte, or between sectors of 512 or 4096 bytes. */
export type TearUnit = 'none' | 1 | 512 | 4096

/**
 * 'none': only what was synced. 'all': everything, as when the process is killed and the system goes on.
 * 'prefix': of each file and folder the first changes, in their order. 'random': any of them.
 */
export type CrashKeep = 'none' | 'all' | 'prefix' | 'random'

export interface CrashOptions {
  readonly keep: CrashKeep
  /** Decides 'prefix', 'random', and the tears. */
  readonly random: SeededRandom
  /** Of 'all' and 'prefix' the last write of each file is torn, of 'random' a quarter of all. */
  readonly tear: TearUnit
}

/** A fate for each change, by sequence. */
export type CrashPlan = ReadonlyMap<number, CrashFate>

export const kept: CrashFate = { kind: 'kept' }
export const lost: CrashFate = { kind: 'lost' }

const tornShare = 1 / 4
const bothNamesShare = 1 / 8

export function planCrash(changes: readonly PendingChange[], options: CrashOptions): CrashPlan {
  const plan = new Map<number, CrashFate>()
  for (const group of groupByOwner(changes)) {
    const fates = fatesOf(group, options)
    for (const [index, change] of group.entries()) plan.set(change.sequence, fates[index] ?? lost)
  }
  return plan
}

/** The changes of each file and folder, oldest first. */
export function groupByOwner(changes: readonly PendingChange[]): PendingChange[][] {
  const groups = new Map<number, PendingChange[]>()
  for (const change of changes) {
    const group = groups.get(change.owner)
    if (group === undefined) groups.set(change.owner, [change])
    else group.push(change)
  }
  return [...groups.values()]
}

function fatesOf(group: readonly PendingChange[], options: CrashOptions): CrashFate[] {
  const { keep, random, tear } = options
  switch (keep) {
    case 'none':
      return group.map(() => lost)
    case 'all':
      return prefixFates(group, group.length, { random, tear })
    case 'prefix':
      return prefixFates(group, random.below(group.length + 1), { random, tear })
    case 'random':
      return group.map((change) => randomFate(change, { random, tear }))
    default:
      return unreachable(keep)
  }
}

function prefixFates(
  group: readonly PendingChange[],
  count: number,
  { random, tear }: Omit<CrashOptions, 'keep'>,
): CrashFate[] {
  const fates = group.map((_, index) => (index < count ? kept : lost))
  const last = group[count - 1]
  if (tear !== 'none' && last?.kind === 'write') fates[count - 1] = tornFate(last, random, tear)
  return fates
}

function randomFate(change: PendingChange, { random, tear }: Omit<CrashOptions, 'keep'>): CrashFate {
  if (change.kind === 'rename' && random.chance(bothNamesShare)) return { kind: 'both-names' }
  if (change.kind === 'write' && tear !== 'none' && random.chance(tornShare))
    return tornFate(change, random, tear)
  return random.chance(1 / 2) ? kept : lost
}

/** A disk may write the sectors of one write in any order; half of the time it is a cut all the same. */
export function tornFate(
  change: PendingChange,
  random: SeededRandom,
  sectorBytes: 1 | 512 | 4096,
): CrashFate {
  const cut = random.below(Math.ceil(change.length / sectorBytes) + 1)
  const isCut = sectorBytes === 1 || random.chance(1 / 2)
  const salt = random.uint32()
  const isKept = isCut
    ? (sector: number): boolean => sector < cut
    : (sector: number): boolean => (Math.imul(sector ^ salt, 0x9e37_79b1) & 0x4000_0000) !== 0
  const filler = random.chance(1 / 4) ? 0xaa : 0
  return { kind: 'torn', tear: { sectorBytes, isKept, filler, hasSize: random.chance(1 / 2) } }
}
