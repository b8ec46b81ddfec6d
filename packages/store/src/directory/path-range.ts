import { type NameRange, type RawName, toRawName } from '@varve/pack/objects'
import type { Range } from '../api/index.ts'

/** One end of a range of paths. */
interface Bound {
  readonly names: readonly RawName[]
  readonly isIncluded: boolean
}

/** Which bounds still matter in a directory: all of its path so far lies on them. */
export interface Edges {
  readonly low: boolean
  readonly high: boolean
  readonly prefix: boolean
}

/** What to do with an entry of a directory, and what its own entries have to heed. */
export interface Verdict {
  readonly isIn: boolean
  readonly isOpened: boolean
  readonly edges: Edges
}

const noEdges: Edges = { low: false, high: false, prefix: false }

/**
 * The bounds of a recursive walk. Paths are compared name by name, so in each directory they come down to
 * bounds of names, and only the directories on a bound need look at it: a walk starts and ends without
 * visiting what is outside.
 */
export class PathRange {
  /** Of the start. */
  readonly edges: Edges
  readonly #low: Bound | undefined
  readonly #high: Bound | undefined
  /** The names that every path must begin with, and what the name after them must begin with. */
  readonly #prefix: { readonly names: readonly RawName[]; readonly rest: RawName } | undefined

  constructor({ gt, gte, lt, lte, prefix }: Range) {
    this.#low = narrower(boundOf(gte, true), boundOf(gt, false), 1)
    this.#high = narrower(boundOf(lte, true), boundOf(lt, false), -1)
    if (prefix !== undefined) {
      const names = namesOf(prefix)
      this.#prefix = { names: names.slice(0, -1), rest: names.at(-1) ?? '' }
    }
    const { low, high } = { low: this.#low !== undefined, high: this.#high !== undefined }
    this.edges = { low, high, prefix: this.#prefix !== undefined }
  }

  /** The bounds of names in a directory at this depth below the start. */
  namesAt(depth: number, edges: Edges): NameRange {
    let gte = edges.low ? this.#low?.names[depth] : undefined
    let lte = edges.high ? this.#high?.names[depth] : undefined
    if (!edges.prefix || this.#prefix === undefined) return { gte, lte }
    const { names, rest } = this.#prefix
    const only = names[depth]
    if (only === undefined) return { gte, lte, prefix: rest }
    if (gte === undefined || gte < only) gte = only
    if (lte === undefined || lte > only) lte = only
    return { gte, lte }
  }

  /** Judges an entry that `namesAt` lets through. */
  judge(depth: number, name: RawName, edges: Edges): Verdict {
    if (edges === noEdges) return { isIn: true, isOpened: true, edges }
    const low = edges.low && name === this.#low?.names[depth] ? this.#low : undefined
    const high = edges.high && name === this.#high?.names[depth] ? this.#high : undefined
    const isOnPrefix = edges.prefix && depth < (this.#prefix?.names.length ?? 0)
    // On the last name of a bound the path is the bound itself; what is below it is greater.
    const isLow = low !== undefined && depth === low.names.length - 1
    const isHigh = high !== undefined && depth === high.names.length - 1
    const isBelowLow = low !== undefined && (isLow ? !low.isIncluded : true)
    const isAboveHigh = isHigh && !high.isIncluded
    const below = {
      low: low !== undefined && !isLow,
      high: high !== undefined && !isHigh,
      prefix: isOnPrefix,
    }
    return {
      isIn: !isBelowLow && !isAboveHigh && !isOnPrefix,
      isOpened: !isHigh,
      edges: below.low || below.high || below.prefix ? below : noEdges,
    }
  }
}

/** The bounds of names in one directory. */
export function nameRange({ gt, gte, lt, lte, prefix }: Range): NameRange {
  const raw = (text: string | undefined): RawName | undefined =>
    text === undefined ? undefined : toRawName(text)
  return { gt: raw(gt), gte: raw(gte), lt: raw(lt), lte: raw(lte), prefix: raw(prefix) }
}

function boundOf(text: string | undefined, isIncluded: boolean): Bound | undefined {
  return text === undefined ? undefined : { names: namesOf(text), isIncluded }
}

/** The parts of a bound; unlike a path it may end in '/' or hold what is no name. */
function namesOf(text: string): RawName[] {
  return text.split('/').map(toRawName)
}

/** Of two bounds at one end, the one that leaves less. */
function narrower(a: Bound | undefined, b: Bound | undefined, direction: 1 | -1): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const order = comparePaths(a.names, b.names) * direction
  if (order === 0) return a.isIncluded ? b : a
  return order > 0 ? a : b
}

function comparePaths(a: readonly RawName[], b: readonly RawName[]): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const [left, right] = [a[at] as RawName, b[at] as RawName]
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}
