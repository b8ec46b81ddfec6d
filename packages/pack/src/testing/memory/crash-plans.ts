import { SeededRandom } from '../seeded-random.ts'
import {
  type CrashFate,
  type CrashPlan,
  groupByOwner,
  kept,
  lost,
  type PendingChange,
  planCrash,
  type TearUnit,
} from './crash-fate.ts'

export interface EnumerateOptions {
  readonly seed?: number
  /** How the random plans at the end tear writes. Default 512. */
  readonly tear?: TearUnit
}

export interface LabelledPlan {
  readonly label: string
  readonly plan: CrashPlan
}

/** Up to so many changes, every subset of them is tried. */
const exhaustiveChangesMax = 8
/** Up to so many files and folders, every subset of them is tried whole. */
const exhaustiveOwnersMax = 6
const randomPlans = 32

/** Up to `limit` plans without repetition. */
export function* enumerateCrashPlans(
  changes: readonly PendingChange[],
  limit: number,
  options: EnumerateOptions,
): Generator<LabelledPlan> {
  const seen = new Set<string>()
  let count = 0
  for (const candidate of candidates(changes, options)) {
    if (count === limit) return
    const key = candidate.isTorn ? undefined : keyOf(changes, candidate.plan)
    if (key !== undefined && seen.has(key)) continue
    if (key !== undefined) seen.add(key)
    count++
    yield { label: candidate.label, plan: candidate.plan }
  }
}

type Candidate = LabelledPlan & { readonly isTorn: boolean }

function* candidates(changes: readonly PendingChange[], options: EnumerateOptions): Generator<Candidate> {
  const keep = (label: string, isKept: (change: PendingChange, index: number) => boolean): Candidate => {
    const fate = (change: PendingChange, index: number): CrashFate => (isKept(change, index) ? kept : lost)
    const plan = new Map(changes.map((change, index) => [change.sequence, fate(change, index)]))
    return { label, plan, isTorn: false }
  }
  yield keep('nothing kept', () => false)
  yield keep('all kept', () => true)
  for (const [at, change] of changes.entries()) {
    yield keep(`kept up to ${change.label}`, (_, index) => index <= at)
    yield keep(`lost: ${change.label}`, (_, index) => index !== at)
    yield keep(`kept: only ${change.label}`, (_, index) => index === at)
  }
  if (changes.length <= exhaustiveChangesMax) {
    for (let set = 0; set < 2 ** changes.length; set++) {
      const labels = changes.filter((_, index) => has(set, index)).map((change) => change.label)
      yield keep(`kept: ${labels.join(', ')}`, (_, index) => has(set, index))
    }
  }
  yield* byOwner(changes, keep)
  yield* torn(changes, options)
}

function* byOwner(
  changes: readonly PendingChange[],
  keep: (label: string, isKept: (change: PendingChange) => boolean) => Candidate,
): Generator<Candidate> {
  const owners = groupByOwner(changes).map((group) => group[0]?.owner ?? 0)
  if (owners.length > exhaustiveOwnersMax) return
  for (let set = 0; set < 2 ** owners.length; set++) {
    const chosen = owners.filter((_, index) => has(set, index))
    yield keep(`kept: all of inodes ${chosen.join(', ')}`, (change) => chosen.includes(change.owner))
  }
}

function* torn(
  changes: readonly PendingChange[],
  { seed = 1, tear = 512 }: EnumerateOptions,
): Generator<Candidate> {
  if (changes.length === 0) return
  const random = new SeededRandom(seed)
  for (let i = 0; i < randomPlans; i++) {
    const keep = i % 2 === 0 ? 'random' : 'prefix'
    const label = `${keep}, tear ${tear}, seed ${seed}, number ${i}`
    yield { label, plan: planCrash(changes, { keep, random, tear }), isTorn: true }
  }
}

function keyOf(changes: readonly PendingChange[], plan: CrashPlan): string {
  return changes.map((change) => plan.get(change.sequence)?.kind[0]).join('')
}

function has(set: number, index: number): boolean {
  return ((set >>> index) & 1) === 1
}
