/**
 * Appends objects, each once: what the store holds already is referred to where it is. Every call is one step
 * of a section of the write queue (no await), so a dedupe hit is live in the very address space that the
 * record which uses it is appended to. New records are found by hash at once.
 */
import {
  type BlobRef,
  Chunker,
  ChunkListBuilder,
  type CommitFields,
  chunkBytesMax,
  type Draft,
  encodeCommit,
  encodeMeta,
  encodeTouch,
  type IndexKind,
  indexKind,
  indexKindOf,
  type MetaFields,
  type NodeRef,
  type NodeSink,
  type RawHash,
  type RecordKind,
  recordKind,
  sha256,
} from '@varve/pack/objects'
import type { AppendLog } from '@varve/pack/pack'
import type { HashIndex } from '../hash-index/index.ts'
import type { ArchivedReferences } from './archived-references.ts'
import { FreshChildren } from './fresh-children.ts'

/** Where an object is after it was put. */
export interface PutPlace {
  readonly hash: RawHash
  readonly offset: number
  /** Whether this call appended it; otherwise it was there. */
  readonly isNew: boolean
}

export class ObjectWriter implements NodeSink {
  readonly #log: AppendLog
  readonly #index: HashIndex
  readonly #fresh: FreshChildren
  readonly #archived: ArchivedReferences | undefined

  /** @param archived of a store with volumes */
  constructor(log: AppendLog, index: HashIndex, archived?: ArchivedReferences) {
    this.#log = log
    this.#index = index
    this.#archived = archived
    this.#fresh = new FreshChildren(log.end)
  }

  /** Virtual offset of the next record, or of the header of its batch. */
  get end(): number {
    return this.#log.end
  }

  putNode(
    hash: RawHash,
    body: Buffer,
    start: number,
    end: number,
    referenceCount: number,
    _children: readonly Draft[] | undefined,
  ): NodeRef {
    if (!this.#fresh.take(body, start, end, referenceCount)) {
      const found = this.#index.findWhole(indexKind.tree, hash)
      if (found !== 0) return { hash, offset: found }
    }
    this.#touchArchived(body, end, referenceCount)
    const offset = this.#log.append(recordKind.node, 0, hash, referenceCount, body, start, end)
    this.#index.add(indexKind.tree, hash, offset)
    return { hash, offset }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    const { offset } = this.putContent(hash, content, 0)
    return { hash, offset, size: content.length }
  }

  /** Content whose hash is known already; larger than 256 KiB goes in as chunks. */
  putContent(hash: RawHash, content: Buffer, flags: number): PutPlace {
    const found = this.#index.findWhole(indexKind.blob, hash)
    if (found !== 0) return { hash, offset: found, isNew: false }
    if (content.length > chunkBytesMax) return this.#putLarge(hash, content, flags)
    return this.#append(recordKind.blob, { hash, flags, referenceCount: 0, body: content })
  }

  /** One chunk of a large blob: an ordinary blob. The bytes are copied. */
  putChunk(chunk: Buffer): PutPlace {
    return this.putContent(sha256(chunk, 0, chunk.length), chunk, 0)
  }

  /** A list record of a large blob. */
  putList(hash: RawHash, body: Buffer, referenceCount: number): number {
    const found = this.#index.findWhole(indexKind.list, hash)
    if (found !== 0) return found
    this.#touchArchived(body, body.length, referenceCount)
    return this.#append(recordKind.list, { hash, flags: 0, referenceCount, body }).offset
  }

  /** The record of a large blob whose chunks are all put. */
  putBigBlob(hash: RawHash, o: { body: Buffer; referenceCount: number; flags: number }): PutPlace {
    const found = this.#index.findWhole(indexKind.blob, hash)
    if (found !== 0) return { hash, offset: found, isNew: false }
    this.#touchArchived(o.body, o.body.length, o.referenceCount)
    return this.#append(recordKind.bigBlob, { hash, ...o })
  }

  putCommit(commit: CommitFields, flags: number): PutPlace {
    const { hash, body, referenceCount } = encodeCommit(commit)
    const found = this.#index.findWhole(indexKind.commit, hash)
    if (found !== 0) return { hash, offset: found, isNew: false }
    this.#touchArchived(body, body.length, referenceCount)
    return this.#append(recordKind.commit, { hash, flags, referenceCount, body })
  }

  /** A change of metadata; gives its position in the log. */
  putMeta(meta: MetaFields): number {
    const body = encodeMeta(meta)
    return this.#log.append(recordKind.meta, 0, undefined, meta.references.length, body, 0, body.length)
  }

  /** Says that an object that was here already has been put again, so that it counts as young. */
  touch(kind: IndexKind, place: { readonly hash: RawHash; readonly offset: number }): void {
    const body = encodeTouch({ kind, hash: place.hash, offset: place.offset })
    this.#log.append(recordKind.touch, 0, undefined, 1, body, 0, body.length)
  }

  /** What is in a volume only is held, from here on, like what was put again. */
  #touchArchived(body: Buffer, end: number, referenceCount: number): void {
    const archived = this.#archived?.of(body, end, referenceCount)
    if (archived !== undefined) for (const object of archived) this.touch(object.kind, object)
  }

  #putLarge(hash: RawHash, content: Buffer, flags: number): PutPlace {
    const lists = new ChunkListBuilder(this)
    const chunker = new Chunker()
    const take = (chunk: Buffer): void => {
      lists.add({ ...this.putChunk(chunk), length: chunk.length })
    }
    chunker.push(content, take)
    chunker.finish(take)
    return this.putBigBlob(hash, { ...lists.finish(), flags })
  }

  #append(
    kind: RecordKind,
    record: { hash: RawHash; flags: number; referenceCount: number; body: Buffer },
  ): PutPlace {
    const { hash, flags, referenceCount, body } = record
    const offset = this.#log.append(kind, flags, hash, referenceCount, body, 0, body.length)
    const under = indexKindOf(kind)
    if (under !== undefined) this.#index.add(under, hash, offset)
    return { hash, offset, isNew: true }
  }
}
