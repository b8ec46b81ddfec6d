/**
 * Puts whole histories: many objects one after another without a promise each, nothing reachable before
 * `finish`. Everything that was put since the beginning counts as kept by collections, and so does what was
 * found to be there already, until the refs are moved or the work is given up. Between two calls of `ready`
 * there is no await: that is one section of the write queue.
 */
import { assert } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import {
  type BlobRef,
  directoryTotals,
  entryMode,
  hexToRaw,
  type IndexKind,
  indexKind,
  type NodeRef,
  type RawHash,
  type RecordKind,
  rawToHex,
  recordKind,
  type TreeChange,
  TreeCursor,
  type TreeEntry,
  TreeWriter,
  treeShape,
} from '@varve/pack/objects'
import type { RecordView } from '@varve/pack/pack'
import type { Hash } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'
import { appendRef, findCommit, settleRef } from './branches/index.ts'
import { type RefTarget, refKey } from './refs/index.ts'
import { type PinHolder, putBlobStream } from './writer/index.ts'

export interface BulkCommit {
  readonly tree: NodeRef
  /** Hex; parents need not be in the store. */
  readonly parents: readonly string[]
  readonly author: string
  /** ms since 1970. */
  readonly date: number
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

export interface BulkRef {
  /** `heads/<name>` or `tags/<name>`. */
  readonly name: string
  /** Hex. */
  readonly commit: string
  /** Where it must point now, in hex; `null`: it must not be there. Default: anywhere. */
  readonly from?: string | null | undefined
  readonly tag?: { readonly message?: string; readonly author?: string; readonly date?: number } | undefined
}

export class Bulk {
  readonly #rooms: StoreRooms
  readonly #pins: PinHolder
  readonly #trees: TreeWriter
  readonly #from: number

  constructor(rooms: StoreRooms) {
    this.#rooms = rooms
    this.#pins = rooms.pins.open()
    this.#from = rooms.writer.end
    this.#pins.keepFrom(this.#from)
    this.#trees = new TreeWriter(rooms.objects, rooms.writer, treeShape)
  }

  /** Resolves when more may be put; call it every few hundred objects. @throws STORE_CLOSED, WRITER_FAILED */
  async ready(): Promise<void> {
    const { queue } = this.#rooms
    while (queue.isBlocked) await queue.unblocked()
  }

  putBlob(content: Buffer): BlobRef {
    return this.#pinned(this.#rooms.writer.putBlob(content))
  }

  /** @throws DIGEST_MISMATCH when the content has another size */
  async putBlobStream(content: AsyncIterable<Buffer>, size: number): Promise<BlobRef> {
    const place = await putBlobStream(this.#rooms, content, {
      ...{ flags: 0, expected: undefined, size, signal: undefined, onProgress: undefined },
      onPut: (put) => this.#pin(put.offset),
    })
    await this.ready()
    return { hash: place.hash, offset: place.offset, size }
  }

  /** A directory with these entries, which ascend by name; with a base, that directory with these changes. */
  putDirectory(base: NodeRef | undefined, entries: readonly TreeEntry[]): NodeRef {
    return this.#changed(
      base,
      entries.map((entry) => ({ name: entry.name, target: entry })),
    )
  }

  /** A stored directory with these changes, which ascend by name. */
  changeDirectory(base: NodeRef, changes: readonly TreeChange[]): NodeRef {
    return this.#changed(base, changes)
  }

  /** The same commit twice is one commit. */
  putCommit(commit: BulkCommit): { readonly hash: string; readonly offset: number } {
    const { projections, writer } = this.#rooms
    const parents: RawHash[] = commit.parents.map((parent) => hexToRaw(parent))
    const place = this.#pinned(writer.putCommit({ ...commit, parents }, 0))
    const hash = rawToHex(place.hash)
    projections.noteCommit({ hash, extra: commit.extra }, place.offset)
    return { hash, offset: place.offset }
  }

  /**
   * An object whose body has been made elsewhere and proved: its references lead to objects that were put
   * here or found. Gives its offset.
   */
  putRecord(
    kind: RecordKind,
    record: { readonly hash: RawHash; readonly body: Buffer; readonly referenceCount: number },
  ): number {
    const { writer } = this.#rooms
    const { hash, body, referenceCount } = record
    if (kind === recordKind.blob) return this.#pinned(writer.putContent(hash, body, 0)).offset
    if (kind === recordKind.bigBlob)
      return this.#pinned(writer.putBigBlob(hash, { body, referenceCount, flags: 0 })).offset
    if (kind === recordKind.node) {
      return this.#pinned(writer.putNode(hash, body, 0, body.length, referenceCount, undefined)).offset
    }
    assert(kind === recordKind.list, 'a commit is put by what it says')
    return this.#pinned({ offset: writer.putList(hash, body, referenceCount) }).offset
  }

  /** Where an object is that was there before, or 0; it is kept from now on with all below it. */
  find(kind: IndexKind, hash: RawHash): number {
    const offset = this.#rooms.objects.find(kind, hash)
    return offset === 0 ? 0 : this.#pinned({ offset }).offset
  }

  /** The record of an object that was put or found; valid until the next one is read. */
  record(kind: IndexKind, hash: RawHash, offset: number): RecordView {
    return this.#rooms.objects.record(kind, hash, offset)
  }

  /** The entries of one stored directory, in order. */
  *directoryEntries(directory: NodeRef): Generator<TreeEntry, void, undefined> {
    const cursor = new TreeCursor(this.#rooms.objects, directory)
    while (cursor.next()) yield { name: cursor.name(), ...cursor.entry.target() }
  }

  /**
   * The root of a stored commit's tree, which is kept from now on with all below it; the commit in hex.
   * @throws UNKNOWN_COMMIT
   */
  async commitTree(commit: string): Promise<NodeRef> {
    await this.ready()
    return this.#pinned(findCommit(this.#rooms, commit as Hash<'commit'>).tree)
  }

  /** Count and byte total of a stored directory, as its parent's entry needs them. */
  totals(directory: NodeRef): {
    readonly mode: typeof entryMode.directory
    readonly count: number
    readonly size: number
  } {
    const { count, bytes } = directoryTotals(this.#rooms.objects, directory)
    return { mode: entryMode.directory, count, size: bytes }
  }

  /**
   * Moves all refs in one section, or none, and waits until everything is durable.
   * @param bare commits, in hex, that no ref names: kept for the grace of collections
   * @throws UNKNOWN_COMMIT, INVALID_PATH for a name that no ref can have, CONFLICT, WRITER_FAILED
   */
  async finish(refs: readonly BulkRef[], bare: readonly string[] = []): Promise<void> {
    await this.ready()
    const targets = refs.map((ref) => this.#targetOf(ref))
    for (const [i, { from }] of refs.entries()) {
      if (from === undefined) continue
      const { key } = targets[i] as (typeof targets)[number]
      const now = this.#rooms.refs.newest(key)
      if ((now === undefined ? null : rawToHex(now.hash)) !== from)
        throw new VarveError('CONFLICT', { ref: key })
    }
    for (const hash of bare) {
      this.#rooms.writer.touch(indexKind.commit, findCommit(this.#rooms, hash as Hash<'commit'>))
    }
    const moves = targets.map(({ key, target }) => appendRef(this.#rooms, key, target))
    for (const move of moves) await settleRef(this.#rooms, move, 'commit')
    if (moves.length === 0) await this.#rooms.queue.settle('commit')
    this.#pins.release()
  }

  /** Lets go of everything; the next collection drops it. */
  async abort(): Promise<void> {
    this.#pins.release()
  }

  #targetOf(ref: BulkRef): { readonly key: string; readonly target: RefTarget } {
    const slash = ref.name.indexOf('/')
    const kind = ref.name.slice(0, slash)
    if (kind !== 'heads' && kind !== 'tags') {
      throw new VarveError('INVALID_PATH', { path: ref.name, hint: 'a ref is heads/<name> or tags/<name>' })
    }
    const { hash, offset } = findCommit(this.#rooms, ref.commit as Hash<'commit'>)
    const at = this.#rooms.now()
    const { message, author = '', date = at } = ref.tag ?? {}
    const annotation = message === undefined ? undefined : { message, author, date }
    return { key: refKey(kind, ref.name.slice(slash + 1)), target: { hash, offset, at, annotation } }
  }

  #changed(base: NodeRef | undefined, changes: readonly TreeChange[]): NodeRef {
    return this.#pinned(this.#trees.apply(base, changes))
  }

  #pinned<T extends { readonly offset: number }>(place: T): T {
    this.#pin(place.offset)
    return place
  }

  /** What was appended since the beginning is kept anyway. */
  #pin(offset: number): void {
    if (offset < this.#from) this.#pins.add(offset)
  }
}
