import { writeU64 } from '@varve/pack/base'
import { type FileSystem, writeFully } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  encodeCommit,
  encodeMeta,
  encodeTouch,
  hashCanonical,
  type IndexKind,
  indexKindOf,
  listDomain,
  metaTable,
  type RawHash,
  recordKind,
  sha256,
  treeDomain,
} from '@varve/pack/objects'
import {
  BatchFrame,
  BlockCache,
  batchHeaderSize,
  batchTrailerSize,
  createChunkFile,
  encodeRecord,
  FileRetirer,
  packHeaderSize,
  recordFlag,
  recordSize,
  Segment,
} from '@varve/pack/pack'
import { buildIndex } from '../../indexing/index.ts'
import type { ChunkPlace, CollectJob, CollectResult, SegmentPlace } from '../../job/index.ts'

/** A record as the test knows it. */
export interface KnownRecord {
  readonly offset: number
  readonly kind: number
  readonly hash: RawHash
  readonly references: readonly number[]
  readonly isBare: boolean
  readonly isHealed: boolean
  readonly time: number
  readonly size: number
  /** Of a commit. */
  readonly parents: readonly RawHash[]
  /** Of metadata: its key in the state, and whether it deletes it. */
  readonly meta?: { readonly key: string; readonly isDeleted: boolean }
}

export const storeId: Buffer = Buffer.from('00112233445566778899aabbccddeeff', 'hex')

export function objectList(records: readonly KnownRecord[]): CollectJob['keep'] {
  return {
    kinds: Uint8Array.from(records, (r) => indexKindOf(r.kind) as IndexKind),
    hashes: new Uint8Array(Buffer.concat(records.map((r) => Buffer.from(r.hash, 'latin1')))),
    offsets: Float64Array.from(records, (r) => r.offset),
  }
}

interface OpenChunk {
  readonly number: number
  readonly base: number
  readonly nonce: Buffer
  length: number
  sequence: number
}

/**
 * A small store made of real files without the store's own code: what a collection reads and leaves behind.
 */
export class SmallStore {
  readonly dir: string
  readonly fs: FileSystem
  /** Every record ever written, by offset. */
  readonly records: Map<number, KnownRecord> = new Map()
  chunks: ChunkPlace[] = []
  segments: readonly SegmentPlace[] = []
  retire = 0
  checkpoint: { number: number; position: number } | undefined
  nextNumber = 1
  time = 1_000
  #open: OpenChunk | undefined
  #batch: Buffer[] = []
  #batchOffsets: number[] = []
  #batchLength = 0

  constructor(fs: FileSystem, dir: string = '/store') {
    this.fs = fs
    this.dir = dir
  }

  static async create(fs: FileSystem, dir: string = '/store'): Promise<SmallStore> {
    const store = new SmallStore(fs, dir)
    await fs.mkdir(store.dir)
    await fs.syncFolder('/')
    await store.#begin(0)
    return store
  }

  /** The virtual offset where the next record will lie. */
  get next(): number {
    const open = this.#openChunk
    return open.base + open.length + batchHeaderSize + this.#batchLength
  }

  get end(): number {
    return this.#openChunk.base + this.#openChunk.length
  }

  get openChunk(): ChunkPlace {
    const { number, base, length } = this.#openChunk
    return { number, base, length }
  }

  blob(content: string | Buffer, o: { bare?: boolean } = {}): KnownRecord {
    const body = Buffer.from(content)
    return this.put(recordKind.blob, sha256(body, 0, body.length), body, [], o)
  }

  /** A node whose canonical part is the text and the hashes of its children. */
  node(text: string, children: readonly KnownRecord[], o: { bare?: boolean } = {}): KnownRecord {
    const canonical = Buffer.concat([
      Buffer.from(text),
      ...children.map((c) => Buffer.from(c.hash, 'latin1')),
    ])
    return this.put(recordKind.node, hashCanonical(treeDomain, canonical), canonical, children, o)
  }

  list(text: string, children: readonly KnownRecord[]): KnownRecord {
    const canonical = Buffer.from(text)
    return this.put(recordKind.list, hashCanonical(listDomain, canonical), canonical, children, {})
  }

  commit(
    message: string,
    tree: KnownRecord,
    parents: readonly RawHash[],
    o: { bare?: boolean } = {},
  ): KnownRecord {
    const fields = { tree, parents, author: 'a', date: 0, message, extra: {} }
    const { hash, body } = encodeCommit(fields)
    const canonical = body.subarray(0, body.length - 8)
    const record = this.put(recordKind.commit, hash, canonical, [tree], o)
    const known = { ...record, parents }
    this.records.set(record.offset, known)
    return known
  }

  setRef(name: string, commit: KnownRecord | undefined): KnownRecord {
    const key = `heads/${name}`
    const references =
      commit === undefined
        ? []
        : [{ kind: indexKindOf(commit.kind) as IndexKind, hash: commit.hash, offset: commit.offset }]
    const isDeleted = commit === undefined
    const body = encodeMeta({
      table: metaTable.refs,
      isDeleted,
      key: Buffer.from(key),
      value: Buffer.from('{"at":1}'),
      references,
    })
    return this.#putMeta(
      body,
      references.map((r) => r.offset),
      { key: `1 ${key}`, isDeleted },
    )
  }

  lease(name: string, held: readonly KnownRecord[]): KnownRecord {
    const references = held.map((r) => ({
      kind: indexKindOf(r.kind) as IndexKind,
      hash: r.hash,
      offset: r.offset,
    }))
    const isDeleted = held.length === 0
    const body = encodeMeta({
      table: metaTable.leases,
      isDeleted,
      key: Buffer.from(name),
      value: Buffer.alloc(0),
      references,
    })
    return this.#putMeta(
      body,
      references.map((r) => r.offset),
      { key: `3 ${name}`, isDeleted },
    )
  }

  touch(object: KnownRecord): KnownRecord {
    const kind = indexKindOf(object.kind) as IndexKind
    const body = encodeTouch({ kind, hash: object.hash, offset: object.offset })
    return this.#append(recordKind.touch, undefined, body, [object.offset], 0)
  }

  put(
    kind: number,
    hash: RawHash,
    canonical: Buffer,
    children: readonly { readonly offset: number }[],
    o: { bare?: boolean; healed?: boolean },
  ): KnownRecord {
    const body = Buffer.alloc(canonical.length + 8 * children.length)
    canonical.copy(body)
    for (const [i, child] of children.entries()) writeU64(body, child.offset, canonical.length + 8 * i)
    const flags = (o.bare === true ? recordFlag.bare : 0) | (o.healed === true ? recordFlag.healed : 0)
    return this.#append(
      kind,
      hash,
      body,
      children.map((c) => c.offset),
      flags,
    )
  }

  /** A node that refers to the record right behind it, as only a healed one may: the blob that follows. */
  nodeBelowItsBlob(text: string): KnownRecord {
    const canonical = Buffer.from(text)
    const child = { offset: this.next + recordSize(canonical.length + 8) }
    const hash = hashCanonical(treeDomain, canonical)
    const node = this.put(recordKind.node, hash, canonical, [child], { healed: true })
    this.blob(`below ${text}`)
    return node
  }

  /** Changes one byte of a record where it is stored now: in a chunk, or in a segment of the generation. */
  async damage(record: KnownRecord, at: number): Promise<void> {
    const { file, position } = await this.#placeOf(record.offset + at)
    const handle = await this.fs.open(this.#path(file), 'write')
    const byte = Buffer.alloc(1)
    handle.readSync(byte, 0, 1, position)
    handle.writeSync(Buffer.from([(byte[0] as number) ^ 0x55]), 0, 1, position)
    await handle.close()
  }

  /** Closes the batch and writes it; an empty one too. */
  async endBatch(): Promise<void> {
    const open = this.#openChunk
    const frame = new BatchFrame(open.nonce)
    const start = open.base + open.length
    const records = Buffer.concat(this.#batch)
    frame.begin()
    for (const offset of this.#batchOffsets) frame.addRecord(records, offset - start - batchHeaderSize)
    const length = batchHeaderSize + records.length + batchTrailerSize
    const header = frame.encodeHeader({
      sequence: ++open.sequence,
      time: this.time,
      start,
      length,
      syncedTo: start,
    })
    const bytes = Buffer.concat([header, records, frame.encodeTrailer()])
    const handle = await this.fs.open(this.#path(fileName.chunk(open.number)), 'write')
    await writeFully(handle, bytes, 0, bytes.length, open.length)
    await handle.datasync()
    await handle.close()
    open.length += length
    this.#batch = []
    this.#batchOffsets = []
    this.#batchLength = 0
  }

  /** Seals the open chunk and begins another. */
  async seal(o: { index?: boolean } = {}): Promise<void> {
    if (this.#batch.length > 0) await this.endBatch()
    const sealed = this.openChunk
    this.chunks.push(sealed)
    if (o.index !== false) await this.buildIndex(sealed)
    await this.#begin(Math.ceil((sealed.base + sealed.length) / 4096) * 4096)
  }

  async buildIndex(chunk: ChunkPlace): Promise<void> {
    await buildIndex(this.fs, { dir: this.dir, storeId: storeId.toString('hex'), chunk })
  }

  /** Seals the open chunk and makes a job of what there is. */
  async job(
    o: Partial<CollectJob> & { readonly targetRecord?: KnownRecord | undefined },
  ): Promise<CollectJob> {
    await this.seal({ index: false })
    const start = this.openChunk.base
    const { targetRecord: target, ...rest } = o
    const numbers = { from: this.nextNumber, to: this.nextNumber + 1000 }
    this.nextNumber += 1000
    return {
      dir: this.dir,
      storeId: storeId.toString('hex'),
      previous: {
        retire: this.retire,
        chunks: this.chunks,
        segments: this.segments,
        checkpoint: this.checkpoint,
      },
      start,
      newRetire: this.boundaryFor(target),
      target: target === undefined ? undefined : { hash: target.hash, offset: target.offset },
      keep: { kinds: new Uint8Array(), hashes: new Uint8Array(), offsets: new Float64Array() },
      pins: new Float64Array(),
      pinFrom: undefined,
      youngAfterMs: Number.POSITIVE_INFINITY,
      fileNumbers: numbers,
      ...rest,
    }
  }

  boundaryFor(target: KnownRecord | undefined): number {
    const start = this.openChunk.base
    if (target === undefined) return start
    if (target.offset < this.retire) return this.retire
    return [...this.chunks.map((c) => c.base), start].find((base) => base > target.offset) as number
  }

  /** The switch: from now on the new files are the store's. */
  async adopt(job: CollectJob, result: CollectResult): Promise<void> {
    this.segments = result.segments
    this.checkpoint = result.checkpoint
    this.retire = job.newRetire
    const kept = this.chunks.filter((chunk) => chunk.base >= job.newRetire)
    for (const chunk of this.chunks) {
      if (kept.includes(chunk)) continue
      await this.fs.remove(this.#path(fileName.chunk(chunk.number)))
      await this.fs.remove(this.#path(fileName.chunkIndex(chunk.number))).catch(() => {})
    }
    this.chunks = kept
  }

  async #placeOf(offset: number): Promise<{ file: string; position: number }> {
    const chunk = [...this.chunks, this.openChunk].find((c) => offset >= c.base && offset < c.base + c.length)
    if (chunk !== undefined) return { file: fileName.chunk(chunk.number), position: offset - chunk.base }
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const retirer = new FileRetirer(this.fs, () => {})
    for (const info of this.segments) {
      const place = { folder: this.dir, info, storeId, cache, retirer }
      const segment = await Segment.open(this.fs, place)
      const position = segment.locate(offset)
      segment.release()
      await retirer.drained()
      if (position >= 0) return { file: fileName.segment(info.number), position }
    }
    throw new TypeError(`no file holds ${offset}`)
  }

  #putMeta(
    body: Buffer,
    references: readonly number[],
    meta: { key: string; isDeleted: boolean },
  ): KnownRecord {
    const record = { ...this.#append(recordKind.meta, undefined, body, references, 0), meta }
    this.records.set(record.offset, record)
    return record
  }

  #append(
    kind: number,
    hash: RawHash | undefined,
    body: Buffer,
    references: readonly number[],
    flags: number,
  ): KnownRecord {
    const offset = this.next
    const size = recordSize(body.length)
    const bytes = Buffer.alloc(size)
    encodeRecord(bytes, 0, offset, kind, flags, hash, references.length, body, 0, body.length)
    this.#batch.push(bytes)
    this.#batchOffsets.push(offset)
    this.#batchLength += size
    const record: KnownRecord = {
      offset,
      kind,
      hash: hash ?? '',
      references,
      isBare: (flags & recordFlag.bare) !== 0,
      isHealed: (flags & recordFlag.healed) !== 0,
      time: this.time,
      size,
      parents: [],
    }
    this.records.set(offset, record)
    return record
  }

  async #begin(base: number): Promise<void> {
    const number = this.nextNumber++
    const nonce = Buffer.alloc(16, number % 251)
    const handle = await createChunkFile(this.fs, this.dir, { number, nonce, storeId, base })
    await handle.close()
    await this.fs.syncFolder(this.dir)
    this.#open = { number, base, nonce, length: packHeaderSize, sequence: 0 }
  }

  get #openChunk(): OpenChunk {
    return this.#open as OpenChunk
  }

  #path(name: string): string {
    return `${this.dir}/${name}`
  }
}
