import type { BodyView, Draft } from '../body-view.ts'
import { sha256 } from '../content-hash.ts'
import { hashCanonical, treeDomain } from '../domain.ts'
import type { BlobRef, NodeReader, NodeRef, NodeSink } from '../node-seam.ts'
import { type RawHash, readHash } from '../raw-hash.ts'

interface StoredRecord {
  readonly hash: RawHash
  readonly body: Buffer
  readonly referenceCount: number
  readonly isNode: boolean
}

/** A store of nodes and blobs in memory that is as strict as the seam allows. */
export class MemoryNodeStore implements NodeReader, NodeSink {
  readonly #records = new Map<number, StoredRecord>()
  /** By kind and hash. */
  readonly #offsets = new Map<string, number>()
  #nextOffset = 64
  #lent = Buffer.alloc(0)
  /** Calls so far. */
  readCount = 0
  /** Nodes that were new, and their bytes. */
  writtenCount = 0
  writtenBytes = 0

  node(ref: NodeRef): BodyView {
    return this.#lend(ref.offset, ref.hash)
  }

  nodeAt(offset: number, parent: Buffer, hashStart: number): BodyView {
    return this.#lend(offset, readHash(parent, hashStart))
  }

  putNode(
    hash: RawHash,
    body: Buffer,
    start: number,
    end: number,
    referenceCount: number,
    children: readonly Draft[] | undefined,
  ): NodeRef {
    if (children !== undefined) throw new Error('a store is given no drafts')
    const copy = Buffer.from(body.subarray(start, end))
    const canonicalEnd = copy.length - 8 * referenceCount
    if (hashCanonical(treeDomain, copy.subarray(0, canonicalEnd)) !== hash) throw new Error('a hash is true')
    for (let at = canonicalEnd; at < copy.length; at += 8) {
      if (!this.#records.has(Number(copy.readBigUInt64LE(at)))) throw new Error('children come first')
    }
    const known = this.#offsets.get(`node ${hash}`)
    if (known !== undefined) return { hash, offset: known }
    this.writtenCount++
    this.writtenBytes += copy.length
    return { hash, offset: this.#add({ hash, body: copy, referenceCount, isNode: true }) }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    const known = this.#offsets.get(`blob ${hash}`)
    if (known !== undefined) return { hash, offset: known, size: content.length }
    const record = { hash, body: Buffer.from(content), referenceCount: 0, isNode: false }
    return { hash, offset: this.#add(record), size: content.length }
  }

  /** All nodes, in the order in which they came. */
  nodes(): StoredRecord[] {
    return [...this.#records.values()].filter(({ isNode }) => isNode)
  }

  /** The stored bytes of a node, for comparing. */
  bodyOf(ref: NodeRef): Buffer {
    const found = this.#records.get(ref.offset)
    if (found === undefined) throw new Error('the node is stored')
    return found.body
  }

  /** Where an object with this hash is. */
  offsetOf(kind: 'node' | 'blob', hash: RawHash): number {
    const offset = this.#offsets.get(`${kind} ${hash}`)
    if (offset === undefined) throw new Error('the object is stored')
    return offset
  }

  #add(record: StoredRecord): number {
    const offset = this.#nextOffset
    this.#nextOffset += (48 + record.body.length + 7) & ~7
    this.#records.set(offset, record)
    this.#offsets.set(`${record.isNode ? 'node' : 'blob'} ${record.hash}`, offset)
    return offset
  }

  /**
   * A view is valid until the next call: its memory is overwritten then, so that nobody gets away with
   * keeping it.
   */
  #lend(offset: number, hash: RawHash): BodyView {
    this.readCount++
    const found = this.#records.get(offset)
    if (found === undefined) throw new Error(`nothing at ${offset}`)
    if (!found.isNode || found.hash !== hash) throw new Error('another object is there')
    this.#lent.fill(0xee)
    this.#lent = Buffer.concat([Buffer.alloc(5, 0xdd), found.body, Buffer.alloc(3, 0xdd)])
    return { buf: this.#lent, start: 5, end: 5 + found.body.length, referenceCount: found.referenceCount }
  }
}
