/**
 * What changed between two states of one directory: a stack of pairs of subtrees that cover the same stretch
 * of names. Pairs with equal hashes are dropped unread. Where the two sides are cut differently, the wider
 * one is taken apart until they match, so the cost follows the changes and not the sizes.
 */
import type { RawName } from '../../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../../node-seam.ts'
import type { EntryTarget, TreeChange } from '../entry.ts'
import { compareBits, digitOf } from '../node/name-bits.ts'
import {
  type EntriesSide,
  entriesSide,
  type InnerSide,
  noSide,
  readSide,
  type Side,
  unread,
} from './diff-side.ts'

/** One name whose target differs; not both are undefined. */
export interface EntryDifference {
  readonly name: RawName
  readonly before: EntryTarget | undefined
  readonly after: EntryTarget | undefined
}

interface Pair {
  readonly before: Side
  readonly after: Side
}

/** Bounds the stack of pairs: one inner node of each level on both sides, each with all its slots. */
type Stack = Pair[]

/**
 * Yields the differences in name order; `undefined` is the empty directory. Entries with equal hash, mode,
 * size, and count do not differ, wherever they are stored.
 * @throws COLLECTED | CORRUPT from the reader; MalformedBody
 */
export function* diffDirectories(
  reader: NodeReader,
  before: NodeRef | undefined,
  after: NodeRef | undefined,
): Generator<EntryDifference, void, undefined> {
  const stack: Stack = [{ before: unread(before), after: unread(after) }]
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    if (isSameNode(pair)) continue
    const left = readSide(reader, pair.before)
    const right = readSide(reader, pair.after)
    if (left.kind === 'inner' || right.kind === 'inner') splitPair(stack, left, right)
    else yield* mergeEntries(entriesOf(left), entriesOf(right))
  }
}

function isSameNode({ before, after }: Pair): boolean {
  return before.kind === 'unread' && after.kind === 'unread' && before.ref.hash === after.ref.hash
}

function entriesOf(side: { readonly kind: 'none' } | EntriesSide): readonly TreeChange[] {
  return side.kind === 'none' ? [] : side.entries
}

/** At least one side is an inner node: pushes pairs of smaller stretches, the last one first. */
function splitPair(stack: Stack, before: Side, after: Side): void {
  if (before.kind === 'inner' && (after.kind !== 'inner' || before.at <= after.at)) {
    splitBy(stack, before, after, (wide, other) => ({ before: wide, after: other }))
  } else if (after.kind === 'inner') {
    splitBy(stack, after, before, (wide, other) => ({ before: other, after: wide }))
  }
}

type MakePair = (wide: Side, other: Side) => Pair

function splitBy(stack: Stack, wide: InnerSide, other: Side, pair: MakePair): void {
  if (other.kind === 'entries') {
    splitByEntries(stack, wide, other.entries, pair)
    return
  }
  if (other.kind !== 'inner') {
    for (const child of wide.children.toReversed())
      if (child !== undefined) stack.push(pair(unread(child), noSide))
    return
  }
  const order = compareBits(other.prefix, wide.prefix, wide.at)
  if (order > 0) stack.push(pair(noSide, other))
  if (order !== 0) stack.push(pair(wide, noSide))
  if (order < 0) stack.push(pair(noSide, other))
  if (order !== 0) return
  const isAligned = other.at === wide.at
  const slot = isAligned ? -1 : digitOf(other.prefix, wide.at, wide.bits)
  for (let s = wide.children.length - 1; s >= 0; s--) {
    const child = wide.children[s]
    const match = isAligned ? unread(other.children[s]) : s === slot ? other : noSide
    if (child !== undefined || match.kind !== 'none') stack.push(pair(unread(child), match))
  }
}

function splitByEntries(stack: Stack, wide: InnerSide, entries: readonly TreeChange[], pair: MakePair): void {
  const orders = entries.map(({ name }) => compareBits(name, wide.prefix, wide.at))
  const inside = entries.filter((_, i) => orders[i] === 0)
  const lower = entries.filter((_, i) => orders[i]! < 0)
  const upper = entries.filter((_, i) => orders[i]! > 0)
  if (upper.length > 0) stack.push(pair(noSide, entriesSide(upper)))
  for (let s = wide.children.length - 1; s >= 0; s--) {
    const child = wide.children[s]
    const match = entriesSide(inside.filter(({ name }) => digitOf(name, wide.at, wide.bits) === s))
    if (child !== undefined || match.kind !== 'none') stack.push(pair(unread(child), match))
  }
  if (lower.length > 0) stack.push(pair(noSide, entriesSide(lower)))
}

function* mergeEntries(
  left: readonly TreeChange[],
  right: readonly TreeChange[],
): Generator<EntryDifference, void, undefined> {
  let l = 0
  let r = 0
  while (l < left.length || r < right.length) {
    const before = left[l]
    const after = right[r]
    if (after === undefined || (before !== undefined && before.name < after.name)) {
      l++
      yield { name: before!.name, before: before!.target, after: undefined }
    } else if (before === undefined || after.name < before.name) {
      r++
      yield { name: after.name, before: undefined, after: after.target }
    } else {
      l++
      r++
      if (!isSameTarget(before.target!, after.target!)) {
        yield { name: before.name, before: before.target, after: after.target }
      }
    }
  }
}

function isSameTarget(a: EntryTarget, b: EntryTarget): boolean {
  return a.hash === b.hash && a.mode === b.mode && a.size === b.size && a.count === b.count
}
