/**
 * Changes directories: one pass over the tree and the sorted changes, from the root down to the leaves
 * concerned and back up, on encoded bytes. The new nodes go to the sink, children first; nodes that no change
 * reaches are not read.
 *
 * The result is a function of the set of entries alone. A subtree of at most `leafMax` entries is one leaf;
 * so a subtree may only be given to the sink once it is certain that the node above keeps more than that. It
 * is at once when the counts say so (nearly always); else its entries wait as objects ('loose') until the
 * node above is done.
 *
 * No recursion: names may make a tree 2,000 levels deep.
 */
import { assert } from '../../../base/index.ts'
import type { BodyView, Draft } from '../../body-view.ts'
import { mustHold } from '../../malformed-body.ts'
import type { NodeReader, NodeRef, NodeSink } from '../../node-seam.ts'
import { type RawHash, readHash } from '../../raw-hash.ts'
import type { TreeChange } from '../entry.ts'
import { readOffset } from '../node/field.ts'
import * as inner from '../node/inner.ts'
import { makeInner, patchInner } from '../node/inner-writer.ts'
import { leafForm } from '../node/leaf.ts'
import { LeafEditor, leafEntries } from '../node/leaf-editor.ts'
import { type EntryRange, emptyBody, makeLeaf, type NewBody } from '../node/leaf-writer.ts'
import { compareWithPrefix, digitOf, firstDifferingBit, prefixSize } from '../node/name-bits.ts'
import { nodeTotals } from '../node/node-totals.ts'
import { Scratch } from '../node/scratch.ts'
import { Subtree } from '../node/subtree.ts'
import { draftNode, openNode } from '../open-node.ts'
import { bitsMax, bitsMin, leafMaxLimit, type TreeShape } from '../tree-shape.ts'
import { ChangeList } from './change-list.ts'
import { childrenOf } from './children-of.ts'
import { accept, type Block, type BuildFrame, type EditFrame, type Frame, type WrapFrame } from './frames.ts'

/** From where a node was reached; kept until the next one. */
interface Reached {
  hash: RawHash | undefined
  /** Where the hash stands in the scratch buffer, unless `hash` is there. */
  hashStart: number
  offset: number
  draft: Draft
}

const noChanges = new ChangeList([])
const noSubtrees: Subtree[] = []

/** For one thread of work; keeps its buffers from call to call. */
export class TreeWriter {
  readonly #reader: NodeReader
  readonly #sink: NodeSink
  readonly #shape: TreeShape
  readonly #scratch = new Scratch()
  readonly #leafEditor: LeafEditor
  readonly #frames: Frame[] = []
  readonly #result = new Subtree()
  readonly #patched = emptyBody()
  readonly #reached: Reached = { hash: undefined, hashStart: 0, offset: 0, draft: undefined }
  #changes = noChanges
  #count = 0
  #bytes = 0

  constructor(reader: NodeReader, sink: NodeSink, shape: TreeShape) {
    assert(shape.leafMax >= 1 && shape.leafMax <= leafMaxLimit, 'the shape has a legal leaf size')
    assert(shape.bits >= bitsMin && shape.bits <= bitsMax, 'the shape has a legal number of bits')
    this.#reader = reader
    this.#sink = sink
    this.#shape = shape
    this.#leafEditor = new LeafEditor(this.#scratch, shape.leafMax)
  }

  /** Entries directly in the directory that the last `apply` gave. */
  get count(): number {
    return this.#count
  }

  /** Bytes of all blobs below the directory that the last `apply` gave. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The directory with the changes applied, which are strictly ascending by name; `undefined` is the empty
   * directory. Gives `root` itself back when no change had an effect.
   * @throws COLLECTED | CORRUPT from the reader; MalformedBody
   */
  apply(root: NodeRef | undefined, changes: readonly TreeChange[]): NodeRef {
    this.#changes = new ChangeList(changes)
    try {
      this.#run(root)
      return this.#finish(root)
    } finally {
      this.#changes = noChanges
      this.#leafEditor.forget()
      // Left after a failure only: to set the length takes a while, and gives the list's memory away.
      if (this.#frames.length > 0) this.#frames.length = 0
      this.#scratch.clear()
    }
  }

  #run(root: NodeRef | undefined): void {
    let isDone = this.#visitRoot(root)
    for (let frame = this.#above(); frame !== undefined; frame = this.#above()) {
      if (isDone) accept(frame, this.#result)
      isDone = this.#step(frame)
    }
  }

  /** The frame on top. Not by index alone: one of -1 is looked up like a property's name. */
  #above(): Frame | undefined {
    const depth = this.#frames.length
    return depth === 0 ? undefined : this.#frames[depth - 1]
  }

  #finish(root: NodeRef | undefined): NodeRef {
    const result = this.#result
    if (root !== undefined && result.kind === 'same') {
      const totals = nodeTotals(openNode(this.#reader, root))
      this.#count = totals.count
      this.#bytes = totals.bytes
      return root
    }
    if (result.kind !== 'node') this.#putLeaf({ entries: [], low: 0, high: 0 })
    this.#count = result.count
    this.#bytes = result.bytes
    const { hash, offset, draft } = result
    return { hash, offset, draft }
  }

  // Visits set `#result` and return true, or push a frame and return false.

  #visitRoot(root: NodeRef | undefined): boolean {
    const high = this.#changes.count
    if (root === undefined) return this.#visitNothing(0, high, true)
    const body = openNode(this.#reader, root)
    this.#reached.hash = root.hash
    this.#reached.offset = root.offset
    this.#reached.draft = root.draft
    if (high > 0) return this.#visitNode(body, 0, high, true)
    this.#result.setPlain('same')
    return true
  }

  #visitNode(body: BodyView, low: number, high: number, isCertain: boolean): boolean {
    const form = body.buf[body.start]!
    if (form === leafForm) return this.#visitLeaf(body, low, high, isCertain)
    mustHold(form - inner.innerForm === this.#shape.bits, 'a node is a leaf or an inner node of this shape')
    return this.#visitInner(body, low, high, isCertain)
  }

  #visitLeaf(body: BodyView, low: number, high: number, isCertain: boolean): boolean {
    const { top } = this.#scratch
    const outcome = this.#leafEditor.edit(body, this.#changes.all, low, high)
    if (outcome === 'overflow') {
      const entries = this.#leafEditor.entries()
      this.#scratch.release(top)
      return this.#visitEntries({ entries, low: 0, high: entries.length }, undefined, isCertain)
    }
    if (outcome !== 'body') this.#result.setPlain(outcome)
    else if (isCertain) this.#put(this.#leafEditor.body)
    else this.#result.setLoose(this.#leafEditor.entries())
    this.#scratch.release(top)
    return true
  }

  #visitInner(body: BodyView, low: number, high: number, isCertain: boolean): boolean {
    const order = this.#orderOf(low, body)
    if (order === 0 && (high - low === 1 || this.#orderOf(high - 1, body) === 0))
      return this.#pushEdit(body, low, high, isCertain)
    let before = low
    while (before < high && this.#orderOf(before, body) < 0) before++
    let after = before
    while (after < high && this.#orderOf(after, body) === 0) after++
    const isWrapped = this.#changes.hasInsert(low, before) || this.#changes.hasInsert(after, high)
    if (isWrapped) this.#pushWrap(body, { low, before, after, high }, isCertain)
    if (before < after) return this.#pushEdit(body, before, after, isCertain && !isWrapped)
    this.#result.setPlain('same')
    return true
  }

  /** Whether the name of a change lies before, within, or after what shares the node's prefix. */
  #orderOf(change: number, { buf, start, referenceCount }: BodyView): number {
    const prefixStart = inner.innerPrefixStart(buf, start, referenceCount)
    return compareWithPrefix(this.#changes.nameAt(change), buf, prefixStart, inner.innerAt(buf, start))
  }

  #pushEdit(body: BodyView, low: number, high: number, isAboveCertain: boolean): boolean {
    const { top } = this.#scratch
    const start = this.#scratch.place(body)
    const { buf } = this.#scratch
    const n = body.referenceCount
    const at = inner.innerAt(buf, start)
    const above = this.#above()
    if (above?.kind === 'edit') mustHold(at >= above.at + above.bits, 'the split moves on from node to node')
    const count = inner.innerCount({ buf, start, end: start, referenceCount: n })
    this.#frames.push({
      kind: 'edit',
      body: { start, end: start + body.end - body.start, n, children: body.children },
      at,
      bits: inner.innerBits(buf, start),
      slots: inner.innerSlots(buf, start),
      low,
      high,
      next: low,
      slot: 0,
      isCertain: count - this.#changes.deletesIn(low, high) > this.#shape.leafMax,
      isAboveCertain,
      touched: noSubtrees,
      scratchTop: top,
    })
    return false
  }

  #pushWrap(
    body: BodyView,
    range: { low: number; before: number; after: number; high: number },
    isAboveCertain: boolean,
  ): void {
    const { buf, start, referenceCount: n } = body
    const { hash, hashStart, offset, draft } = this.#reached
    const prefixStart = inner.innerPrefixStart(buf, start, n)
    const prefix = buf.toString('latin1', prefixStart, prefixStart + prefixSize(inner.innerAt(buf, start)))
    const old = new Subtree()
    const ref = { hash: hash ?? readHash(this.#scratch.buf, hashStart), offset, draft }
    old.setNode(ref, inner.innerCount(body), inner.innerBytes(body))
    this.#frames.push({ kind: 'wrap', ...range, prefix, old, now: new Subtree(), isAboveCertain })
  }

  /** Nothing was there: the inserts among the changes are all there is. */
  #visitNothing(low: number, high: number, isCertain: boolean): boolean {
    if (this.#changes.deletesIn(low, high) === 0) {
      return this.#visitEntries({ entries: this.#changes.all, low, high }, undefined, isCertain)
    }
    const entries = this.#changes.insertsIn(low, high)
    return this.#visitEntries({ entries, low: 0, high: entries.length }, undefined, isCertain)
  }

  #visitEntries(range: EntryRange, block: Block | undefined, isCertain: boolean): boolean {
    const { entries, low, high } = range
    if (block !== undefined && high - low === 1) {
      this.#result.copyFrom(block.subtree, 0)
      return true
    }
    if (block !== undefined || high - low > this.#shape.leafMax) {
      const bit = firstDifferingBit(entries[low]!.name, entries[high - 1]!.name)
      const at = bit - (bit % this.#shape.bits)
      this.#frames.push({
        kind: 'build',
        entries,
        low,
        high,
        at,
        next: low,
        slot: 0,
        block,
        built: noSubtrees,
      })
      return false
    }
    if (high === low) this.#result.setPlain('empty')
    else if (isCertain) this.#putLeaf(range)
    else this.#result.setLoose(entries.slice(low, high))
    return true
  }

  // Steps work on the next slot of the frame on top, or end it.

  #step(frame: Frame): boolean {
    if (frame.kind === 'edit') return frame.next < frame.high ? this.#stepEdit(frame) : this.#endEdit(frame)
    if (frame.kind === 'build')
      return frame.next < frame.high ? this.#stepBuild(frame) : this.#endBuild(frame)
    return this.#endWrap(frame)
  }

  #stepEdit(frame: EditFrame): boolean {
    const { at, bits, high, body } = frame
    const low = frame.next
    const slot = digitOf(this.#changes.nameAt(low), at, bits)
    let next = low + 1
    while (next < high && digitOf(this.#changes.nameAt(next), at, bits) === slot) next++
    frame.next = next
    frame.slot = slot
    if ((frame.slots & (1 << slot)) === 0) {
      if (this.#changes.hasInsert(low, next)) return this.#visitNothing(low, next, frame.isCertain)
      this.#result.setPlain('same')
      return true
    }
    const index = inner.childIndex(frame.slots, slot)
    const { buf } = this.#scratch
    const reached = this.#reached
    reached.hash = undefined
    reached.hashStart = inner.innerHashStart(body.start, index)
    reached.offset = readOffset(buf, body.end - 8 * (body.n - index))
    reached.draft = body.children?.[index]
    const child = this.#openChild(reached)
    return this.#visitNode(child, low, next, frame.isCertain)
  }

  #openChild({ offset, hashStart, draft }: Reached): BodyView {
    if (draft === undefined) return this.#reader.nodeAt(offset, this.#scratch.buf, hashStart)
    return draftNode(draft)
  }

  #stepBuild(frame: BuildFrame): boolean {
    const { entries, at, high, block } = frame
    const { bits } = this.#shape
    const low = frame.next
    const slot = digitOf(entries[low]!.name, at, bits)
    let next = low + 1
    while (next < high && digitOf(entries[next]!.name, at, bits) === slot) next++
    frame.next = next
    frame.slot = slot
    const isIn = block !== undefined && block.index >= low && block.index < next
    return this.#visitEntries({ entries, low, high: next }, isIn ? block : undefined, true)
  }

  #endBuild(frame: BuildFrame): boolean {
    this.#frames.pop()
    const { top } = this.#scratch
    const { entries, low, at, built } = frame
    this.#put(makeInner(this.#scratch, { name: entries[low]!.name, at, bits: this.#shape.bits }, built))
    this.#scratch.release(top)
    return true
  }

  #endWrap(frame: WrapFrame): boolean {
    this.#frames.pop()
    const { now, prefix, isAboveCertain } = frame
    const before = this.#changes.insertsIn(frame.low, frame.before)
    const after = this.#changes.insertsIn(frame.after, frame.high)
    const block = now.kind === 'node' ? { index: before.length, subtree: now } : undefined
    const within = block === undefined ? now.entries : [{ name: prefix, target: undefined }]
    const entries = [...before, ...within, ...after]
    return this.#visitEntries({ entries, low: 0, high: entries.length }, block, isAboveCertain)
  }

  #endEdit(frame: EditFrame): boolean {
    this.#frames.pop()
    if (frame.touched.length === 0) this.#result.setPlain('same')
    else if (!this.#tryPatch(frame)) this.#rebuild(frame)
    this.#scratch.release(frame.scratchTop)
    return true
  }

  #tryPatch(frame: EditFrame): boolean {
    if (!frame.isCertain) return false
    if (!patchInner(this.#scratch, frame.body, frame.touched, this.#patched)) return false
    this.#put(this.#patched)
    return true
  }

  /** The children have changed in number, or may be few enough for a leaf. */
  #rebuild(frame: EditFrame): void {
    const children = childrenOf(frame, this.#scratch.buf)
    const count = children.reduce((sum, child) => sum + child.count, 0)
    if (count <= this.#shape.leafMax) this.#collapse(children, frame.isAboveCertain)
    else if (children.length === 1) this.#result.copyFrom(children[0]!, 0)
    else {
      for (const child of children) this.#settle(child)
      const name = this.#changes.nameAt(frame.low)
      this.#put(makeInner(this.#scratch, { name, at: frame.at, bits: frame.bits }, children))
    }
  }

  /** Few enough entries for one leaf: reads what is stored of them. */
  #collapse(children: readonly Subtree[], isAboveCertain: boolean): void {
    const entries = children.flatMap((child) => {
      if (child.kind === 'loose') return [...child.entries]
      const body = openNode(this.#reader, child)
      mustHold(body.buf[body.start] === leafForm, 'a subtree of few entries is a leaf')
      return leafEntries(body)
    })
    this.#visitEntries({ entries, low: 0, high: entries.length }, undefined, isAboveCertain)
  }

  /** Makes the leaf of loose entries, now that the node above is sure to stay. */
  #settle(child: Subtree): void {
    if (child.kind !== 'loose') return
    this.#putLeaf({ entries: child.entries, low: 0, high: child.entries.length })
    child.copyFrom(this.#result, child.slot)
  }

  #putLeaf(range: EntryRange): void {
    const { top } = this.#scratch
    this.#put(makeLeaf(this.#scratch, range))
    this.#scratch.release(top)
  }

  #put({ start, end, referenceCount, children, count, bytes }: NewBody): void {
    const hash = this.#scratch.form(start, end - 8 * referenceCount, end)
    const body = this.#scratch.formed
    const ref = this.#sink.putNode(hash, body, 0, body.length, referenceCount, children)
    this.#result.setNode(ref, count, bytes)
  }
}
