import type { BodyView, Draft } from '../body-view.ts'
import { sha256 } from '../content-hash.ts'
import { hashCanonical, treeDomain } from '../domain.ts'
import type { BlobRef, NodeReader, NodeRef, NodeSink } from '../node-seam.ts'
import { hashEquals, type RawHash, readHash } from '../raw-hash.ts'

/** A store of nodes and blobs in memory that is as strict as the seam allows. */
export class MemoryNodeStore implements NodeReader, NodeSink {
  readonly #bodies = new Map<
    number,
    { readonly hash: RawHash; readonly body: Buffer; readonly referenceCount: number }
  >()
  readonly #offsets = new Map<RawHash, number>()
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
    const canonical = body.subarray(start, end - 8 * referenceCount)
    if (hashCanonical(treeDomain, canonical) !== hash)
      throw new Error('the hash is that of the canonical part')
    for (let i = 0; i < referenceCount; i++) {
      const at = end - 8 * (referenceCount - i)
      if (!this.#bodies.has(Number(body.readBigUInt64LE(at)))) throw new Error('children come first')
    }
    const known = this.#offsets.get(hash)
    if (known !== undefined) return { hash, offset: known }
    this.writtenCount++
    this.writtenBytes += end - start
    return { hash, offset: this.#add(hash, Buffer.from(body.subarray(start, end)), referenceCount) }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    const offset = this.#offsets.get(hash) ?? this.#add(hash, Buffer.from(content), 0)
    return { hash, offset, size: content.length }
  }

  /** The stored bytes of a node, for comparing. */
  bodyOf(ref: NodeRef): Buffer {
    const found = this.#bodies.get(ref.offset)
    if (found === undefined) throw new Error('the node is stored')
    return found.body
  }

  #add(hash: RawHash, body: Buffer, referenceCount: number): number {
    const offset = this.#nextOffset
    this.#nextOffset += (48 + body.length + 7) & ~7
    this.#bodies.set(offset, { hash, body, referenceCount })
    this.#offsets.set(hash, offset)
    return offset
  }

  /**
   * A view is valid until the next call: its memory is overwritten then, so that nobody gets away with
   * keeping it.
   */
  #lend(offset: number, hash: RawHash): BodyView {
    this.readCount++
    const found = this.#bodies.get(offset)
    if (found === undefined) throw new Error(`nothing at ${offset}`)
    if (found.hash !== hash || !hashEquals(Buffer.from(found.hash, 'latin1'), 0, hash))
      throw new Error('another hash')
    this.#lent.fill(0xee)
    this.#lent = Buffer.concat([Buffer.alloc(5, 0xdd), found.body, Buffer.alloc(3, 0xdd)])
    return { buf: this.#lent, start: 5, end: 5 + found.body.length, referenceCount: found.referenceCount }
  }
}
