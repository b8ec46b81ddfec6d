/**
 * Applies a run of changes to one leaf, on its bytes: what stays is copied in runs, an overwritten entry is
 * patched in place. First a plan is made: the new leaf as segments, each a run of old entries or one change.
 * Then one of four things comes out, see `LeafOutcome`.
 */
import type { BodyView, Draft } from '../../body-view.ts'
import type { RawName } from '../../names/raw-name.ts'
import { hashEquals, hashSize, writeHash } from '../../raw-hash.ts'
import { type EntryTarget, EntryView, type TreeChange } from '../entry.ts'
import { readField, readU16, writeOffset, writeU16 } from './field.ts'
import * as leaf from './leaf.ts'
import {
  emptyBody,
  type NewBody,
  writeHead,
  writeLeafHeader,
  writeNameBytes,
  writeRecord,
} from './leaf-writer.ts'
import { sharedSize } from './name-bits.ts'
import type { Scratch } from './scratch.ts'

/**
 * same: no change had an effect. empty: nothing is left. overflow: more than `leafMax` entries, take
 * `entries()`. body: the new leaf is in the scratch buffer, take `body`.
 */
export type LeafOutcome = 'same' | 'empty' | 'overflow' | 'body'

/** In the plan, the end of a segment that is one change; its start is the index of the change. */
const isChange = -1

const noChanges: readonly TreeChange[] = []

export class LeafEditor {
  readonly #scratch: Scratch
  readonly #leafMax: number
  readonly #view = new EntryView()
  #changes = noChanges

  /** The copy of the old body: its place, and where its parts are. */
  #old = 0
  #oldEnd = 0
  #oldCount = 0
  #oldPrefix = 0
  #oldRecords = 0
  #oldChildren: readonly Draft[] | undefined

  /** Pairs: entries [from, to) of the old leaf, or a change and `isChange`. */
  #segments = new Int32Array(256)
  #segmentsEnd = 0
  #count = 0
  #effectiveCount = 0
  /** Every effective change replaces a target by one whose fields have the same sizes. */
  #isPatch = true
  #hasDraft = false

  /** The new body while it is written: its parts, the next entry, the next record. */
  #start = 0
  #end = 0
  #prefix = 0
  #records = 0
  #index = 0
  #position = 0
  /** The new leaf, after 'body'. */
  readonly body: NewBody = emptyBody()

  constructor(scratch: Scratch, leafMax: number) {
    this.#scratch = scratch
    this.#leafMax = leafMax
  }

  /** Applies changes [low, high) of the list, which is ascending by name. */
  edit(old: BodyView, changes: readonly TreeChange[], low: number, high: number): LeafOutcome {
    this.#take(old)
    this.#changes = changes
    this.#plan(low, high)
    if (this.#effectiveCount === 0) return 'same'
    if (this.#count === 0) return 'empty'
    if (this.#count > this.#leafMax) return 'overflow'
    if (this.#isPatch) this.#patch()
    else this.#splice()
    this.#finish()
    return 'body'
  }

  /** Lets go of the changes, which may be many. */
  forget(): void {
    this.#changes = noChanges
    this.#oldChildren = this.body.children = undefined
  }

  /**
   * All entries with the changes applied, as objects: for the rare cases in which the leaf does not stay one.
   */
  entries(): TreeChange[] {
    const { buf } = this.#scratch
    const old = {
      buf,
      start: this.#old,
      end: this.#oldEnd,
      referenceCount: this.#oldCount,
      children: this.#oldChildren,
    }
    const result: TreeChange[] = []
    for (let s = 0; s < this.#segmentsEnd; s += 2) {
      const from = this.#segments[s]!
      const to = this.#segments[s + 1]!
      if (to === isChange) result.push(this.#changes[from]!)
      else for (let i = from; i < to; i++) result.push(leafEntry(old, i, this.#view))
    }
    return result
  }

  #take(old: BodyView): void {
    this.#old = this.#scratch.place(old)
    const { buf } = this.#scratch
    this.#oldEnd = this.#old + old.end - old.start
    this.#oldCount = leaf.leafCount(buf, this.#old)
    this.#oldPrefix = leaf.leafPrefixSize(buf, this.#old)
    this.#oldRecords = leaf.leafRecordsStart(buf, this.#old)
    this.#oldChildren = old.children
  }

  #plan(low: number, high: number): void {
    const { buf } = this.#scratch
    this.#segmentsEnd = 0
    this.#count = this.#oldCount
    this.#effectiveCount = 0
    this.#isPatch = true
    this.#hasDraft = this.#oldChildren !== undefined
    let done = 0
    for (let c = low; c < high; c++) {
      const { name, target } = this.#changes[c]!
      const found = leaf.findInLeaf(buf, this.#old, name, done)
      const isFound = found >= 0
      const index = isFound ? found : ~found
      if (target === undefined ? !isFound : isFound && this.#isSame(found, target)) continue
      this.#effectiveCount++
      if (index > done) this.#pushSegment(done, index)
      if (target !== undefined) this.#pushSegment(c, isChange)
      if (target === undefined) this.#count--
      else if (!isFound) this.#count++
      if (!isFound || target === undefined || !this.#hasSameHead(found, target)) this.#isPatch = false
      if (target?.draft !== undefined) this.#hasDraft = true
      done = isFound ? index + 1 : index
    }
    if (done < this.#oldCount) this.#pushSegment(done, this.#oldCount)
  }

  #pushSegment(from: number, to: number): void {
    const at = this.#segmentsEnd
    if (at === this.#segments.length) {
      const larger = new Int32Array(at * 2)
      larger.set(this.#segments)
      this.#segments = larger
    }
    this.#segments[at] = from
    this.#segments[at + 1] = to
    this.#segmentsEnd = at + 2
  }

  /** Whether entry `index` already has this target: then its stored offset stays too. */
  #isSame(index: number, target: EntryTarget): boolean {
    const { buf } = this.#scratch
    const hashStart = leaf.leafHashStart(this.#old, this.#oldCount) + hashSize * index
    if (!hashEquals(buf, hashStart, target.hash) || !this.#hasSameHead(index, target)) return false
    const at = this.#oldRecord(index)
    const head = buf[at]!
    const sizeSize = (head >>> 3) & 7
    if (readField(buf, at + 1, sizeSize) !== target.size) return false
    return readField(buf, at + 1 + sizeSize, leaf.countFieldSize(head)) === target.count
  }

  /** Whether the head of the entry would be the same: same mode, fields of the same sizes. */
  #hasSameHead(index: number, target: EntryTarget): boolean {
    return this.#scratch.buf[this.#oldRecord(index)] === leaf.headOf(target)
  }

  /** Start of old record `index`; for index n, the end of the last. */
  #oldRecord(index: number): number {
    return this.#oldRecords + leaf.recordStart(this.#scratch.buf, this.#old, index)
  }

  /** The copy of the old body becomes the new one. */
  #patch(): void {
    const { buf } = this.#scratch
    this.#start = this.#old
    this.#end = this.#oldEnd
    const hashes = leaf.leafHashStart(this.#old, this.#count)
    const offsets = this.#end - 8 * this.#count
    let index = 0
    for (let s = 0; s < this.#segmentsEnd; s += 2) {
      const from = this.#segments[s]!
      const to = this.#segments[s + 1]!
      if (to !== isChange) {
        index += to - from
        continue
      }
      const target = this.#changes[from]!.target as EntryTarget
      writeHead(buf, this.#oldRecord(index), target)
      writeHash(buf, target.hash, hashes + hashSize * index)
      writeOffset(buf, offsets + 8 * index, target.offset)
      index++
    }
  }

  #splice(): void {
    const prefixName = this.#choosePrefix()
    const fixedSize = this.#count * (2 + hashSize + 8)
    const size = leaf.leafHeaderSize + fixedSize + this.#prefix + this.#recordsSize()
    this.#start = this.#scratch.reserve(size)
    const { buf } = this.#scratch
    this.#end = this.#start + size
    writeLeafHeader(buf, this.#start, this.#count, this.#prefix)
    const prefixStart = leaf.leafPrefixStart(this.#start, this.#count)
    if (prefixName !== undefined) writeNameBytes(buf, prefixStart, prefixName, 0, this.#prefix)
    else buf.copyWithin(prefixStart, this.#oldRecords - this.#oldPrefix, this.#oldRecords)
    this.#records = prefixStart + this.#prefix
    this.#position = this.#records
    this.#index = 0
    for (let s = 0; s < this.#segmentsEnd; s += 2) {
      const from = this.#segments[s]!
      const to = this.#segments[s + 1]!
      if (to === isChange) this.#writeChange(this.#changes[from]!)
      else this.#copyRun(from, to)
    }
  }

  /**
   * Sets the size of the new shared prefix and gives a name that has it, or `undefined` when the old one
   * stays.
   */
  #choosePrefix(): RawName | undefined {
    const last = this.#segmentsEnd - 2
    const keepsFirst = this.#segments[0] === 0 && this.#segments[1] !== isChange
    const keepsLast = this.#segments[last + 1] === this.#oldCount
    if (keepsFirst && keepsLast) {
      this.#prefix = this.#oldPrefix
      return undefined
    }
    const name = this.#segmentName(0, 'first')
    this.#prefix = this.#count === 1 ? name.length : sharedSize(name, this.#segmentName(last, 'last'))
    return name
  }

  #segmentName(at: number, which: 'first' | 'last'): RawName {
    const from = this.#segments[at]!
    const to = this.#segments[at + 1]!
    if (to === isChange) return this.#changes[from]!.name
    return leaf.leafName(this.#scratch.buf, this.#old, which === 'first' ? from : to - 1)
  }

  #recordsSize(): number {
    const growth = this.#oldPrefix - this.#prefix
    let size = 0
    for (let s = 0; s < this.#segmentsEnd; s += 2) {
      const from = this.#segments[s]!
      const to = this.#segments[s + 1]!
      if (to === isChange) {
        const { name, target } = this.#changes[from]!
        size += leaf.headSize(leaf.headOf(target as EntryTarget)) + name.length - this.#prefix
      } else {
        size += this.#oldRecord(to) - this.#oldRecord(from) + growth * (to - from)
      }
    }
    return size
  }

  #writeChange(change: TreeChange): void {
    const { buf } = this.#scratch
    const target = change.target as EntryTarget
    const index = this.#index++
    this.#position = writeRecord(buf, this.#position, target, change.name, this.#prefix)
    writeU16(buf, this.#start + leaf.leafHeaderSize + 2 * index, this.#position - this.#records)
    writeHash(buf, target.hash, leaf.leafHashStart(this.#start, this.#count) + hashSize * index)
    writeOffset(buf, this.#end - 8 * (this.#count - index), target.offset)
  }

  #copyRun(from: number, to: number): void {
    const { buf } = this.#scratch
    const hashes = leaf.leafHashStart(this.#old, this.#oldCount)
    const newHashes = leaf.leafHashStart(this.#start, this.#count) + hashSize * this.#index
    buf.copyWithin(newHashes, hashes + hashSize * from, hashes + hashSize * to)
    const offsets = this.#oldEnd - 8 * this.#oldCount
    buf.copyWithin(this.#end - 8 * (this.#count - this.#index), offsets + 8 * from, offsets + 8 * to)
    if (this.#prefix === this.#oldPrefix) this.#copyRecords(from, to)
    else this.#rewriteRecords(from, to)
    this.#index += to - from
  }

  #copyRecords(from: number, to: number): void {
    const { buf } = this.#scratch
    const first = this.#oldRecord(from)
    const last = this.#oldRecord(to)
    buf.copyWithin(this.#position, first, last)
    const shift = this.#position - this.#records - (first - this.#oldRecords)
    const oldEnds = this.#old + leaf.leafHeaderSize
    const newEnds = this.#start + leaf.leafHeaderSize + 2 * (this.#index - from)
    for (let i = from; i < to; i++) writeU16(buf, newEnds + 2 * i, readU16(buf, oldEnds + 2 * i) + shift)
    this.#position += last - first
  }

  /** The same when the shared prefix grows or shrinks, so that every record does the opposite. */
  #rewriteRecords(from: number, to: number): void {
    const { buf } = this.#scratch
    const oldPrefixStart = this.#oldRecords - this.#oldPrefix
    const newEnds = this.#start + leaf.leafHeaderSize + 2 * (this.#index - from)
    const skipped = Math.max(0, this.#prefix - this.#oldPrefix)
    let position = this.#position
    for (let i = from; i < to; i++) {
      const record = this.#oldRecord(i)
      const end = this.#oldRecord(i + 1)
      const rest = record + leaf.headSize(buf[record]!)
      for (let k = record; k < rest; k++) buf[position++] = buf[k]!
      for (let k = this.#prefix; k < this.#oldPrefix; k++) buf[position++] = buf[oldPrefixStart + k]!
      for (let k = rest + skipped; k < end; k++) buf[position++] = buf[k]!
      writeU16(buf, newEnds + 2 * i, position - this.#records)
    }
    this.#position = position
  }

  #finish(): void {
    const { body } = this
    body.start = this.#start
    body.end = this.#end
    body.referenceCount = body.count = this.#count
    body.bytes = leaf.leafBytes(this.#scratch.buf, this.#start)
    body.children = this.#hasDraft ? this.#drafts() : undefined
  }

  #drafts(): readonly Draft[] | undefined {
    const drafts: Draft[] = []
    for (let s = 0; s < this.#segmentsEnd; s += 2) {
      const from = this.#segments[s]!
      const to = this.#segments[s + 1]!
      if (to === isChange) drafts.push(this.#changes[from]!.target?.draft)
      else for (let i = from; i < to; i++) drafts.push(this.#oldChildren?.[i])
    }
    return drafts.some((draft) => draft !== undefined) ? drafts : undefined
  }
}

/** All entries of a leaf as objects. */
export function leafEntries(body: BodyView): TreeChange[] {
  const view = new EntryView()
  const result: TreeChange[] = []
  const count = leaf.leafCount(body.buf, body.start)
  for (let index = 0; index < count; index++) result.push(leafEntry(body, index, view))
  return result
}

function leafEntry(body: BodyView, index: number, view: EntryView): TreeChange {
  leaf.readLeafEntry(body, index, view)
  return { name: leaf.leafName(body.buf, body.start, index), target: view.target() }
}
