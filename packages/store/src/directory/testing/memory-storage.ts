import { assert, readU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import {
  type BlobRef,
  type BodyView,
  type Draft,
  EntryView,
  type MalformedBody,
  type NodeRef,
  type NodeSink,
  type RawHash,
  rawToHex,
  sha256,
  TreeWriter,
  treeShape,
} from '@varve/pack/objects'
import type { Bytes } from '../../api/index.ts'
import type { TreeStorage } from '../reading/index.ts'
import { bytesOf } from '../reading/index.ts'

/**
 * A store's trees and blobs in memory, for tests and benchmarks of this room: dedupes, gives rising offsets,
 * can collect, and counts what is read and written. References are checked to point down to records that are
 * there.
 */
export class MemoryStorage implements TreeStorage, NodeSink {
  readonly instance: object = {}
  readonly nodes: this = this
  readonly found: EntryView = new EntryView()
  /** Node reads since the count was last set to 0. */
  nodesRead = 0
  /** Records written so far. */
  nodesWritten = 0
  blobsWritten = 0
  readonly #nodes = new Map<number, BodyView & { readonly hash: RawHash }>()
  readonly #blobs = new Map<number, { readonly hash: RawHash; readonly content: Buffer }>()
  readonly #offsetOfNode = new Map<RawHash, number>()
  readonly #offsetOfBlob = new Map<RawHash, number>()
  #end = 64
  #lastRead = 0
  #epoch = 1

  epoch(): number {
    return this.#epoch
  }

  node(ref: NodeRef): BodyView {
    assert(ref.draft === undefined, 'a draft is not asked of the store')
    const stored = this.#node(ref.offset)
    assert(stored.hash === ref.hash, 'the record at the offset has the hash of the reference')
    return stored
  }

  nodeAt(offset: number, parent: Buffer, hashStart: number): BodyView {
    const stored = this.#node(offset)
    assert(
      stored.hash === parent.toString('latin1', hashStart, hashStart + 32),
      'parent and child agree on the hash',
    )
    return stored
  }

  treeWriter(sink: NodeSink): TreeWriter {
    return new TreeWriter(this, sink, treeShape)
  }

  readBlob(blob: BlobRef): Bytes {
    const stored = this.#blobs.get(blob.offset)
    if (stored === undefined) throw new VarveError('COLLECTED', { hash: rawToHex(blob.hash) })
    assert(stored.hash === blob.hash, 'the record at the offset has the hash of the reference')
    return bytesOf(stored.content)
  }

  readLargeBlob(blob: BlobRef): Promise<Bytes> {
    return Promise.resolve().then(() => this.readBlob(blob))
  }

  findBlob(hash: RawHash): BlobRef | undefined {
    const offset = this.#offsetOfBlob.get(hash)
    if (offset === undefined) return undefined
    return { hash, offset, size: this.#blobs.get(offset)?.content.length ?? 0 }
  }

  findTree(hash: RawHash): NodeRef | undefined {
    const offset = this.#offsetOfNode.get(hash)
    return offset === undefined ? undefined : { hash, offset }
  }

  isLive(offset: number): boolean {
    return this.#nodes.has(offset) || this.#blobs.has(offset)
  }

  corrupt(cause: MalformedBody): VarveError<'CORRUPT'> {
    return new VarveError('CORRUPT', { file: 'memory', offset: this.#lastRead }, { cause })
  }

  putNode(
    hash: RawHash,
    body: Buffer,
    start: number,
    end: number,
    referenceCount: number,
    children: readonly Draft[] | undefined,
  ): NodeRef {
    assert(children === undefined, 'a stored node has only stored children')
    const known = this.#offsetOfNode.get(hash)
    if (known !== undefined) return { hash, offset: known }
    const buf = Buffer.from(body.subarray(start, end))
    for (let at = buf.length - 8 * referenceCount; at < buf.length; at += 8) {
      assert(this.isLive(readU64(buf, at)), 'a reference points down to a record that is there')
    }
    const offset = this.#append(buf.length)
    this.#nodes.set(offset, { buf, start: 0, end: buf.length, referenceCount, hash })
    this.#offsetOfNode.set(hash, offset)
    this.nodesWritten++
    return { hash, offset }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    const known = this.findBlob(hash)
    if (known !== undefined) return known
    const offset = this.#append(content.length)
    this.#blobs.set(offset, { hash, content: Buffer.from(content) })
    this.#offsetOfBlob.set(hash, offset)
    this.blobsWritten++
    return { hash, offset, size: content.length }
  }

  /** Everything that these roots do not reach goes, and a new epoch begins. */
  collect(roots: readonly NodeRef[]): void {
    const kept = new Set<number>()
    const waiting = roots.map((root) => root.offset)
    for (let offset = waiting.pop(); offset !== undefined; offset = waiting.pop()) {
      if (kept.has(offset)) continue
      kept.add(offset)
      const node = this.#nodes.get(offset)
      if (node !== undefined) waiting.push(...referencesOf(node.buf, node.referenceCount))
    }
    for (const [offset, { hash }] of this.#nodes) {
      if (!kept.has(offset)) this.#nodes.delete(offset) && this.#offsetOfNode.delete(hash)
    }
    for (const [offset, { hash }] of this.#blobs) {
      if (!kept.has(offset)) this.#blobs.delete(offset) && this.#offsetOfBlob.delete(hash)
    }
    this.#epoch++
  }

  #node(offset: number): BodyView & { readonly hash: RawHash } {
    this.nodesRead++
    this.#lastRead = offset
    const stored = this.#nodes.get(offset)
    if (stored === undefined) throw new VarveError('COLLECTED', {})
    return stored
  }

  #append(bodySize: number): number {
    const offset = this.#end
    this.#end += Math.ceil((48 + bodySize) / 8) * 8
    return offset
  }
}

function referencesOf(buf: Buffer, count: number): number[] {
  return Array.from({ length: count }, (_, at) => readU64(buf, buf.length - 8 * (count - at)))
}
