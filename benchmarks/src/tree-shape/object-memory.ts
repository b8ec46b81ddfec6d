import {
  type BlobRef,
  type BodyView,
  hashEquals,
  hashSize,
  type NodeReader,
  type NodeRef,
  type NodeSink,
  type RawHash,
  sha256,
  writeHash,
} from '@varve/pack/objects'

const headerSize = 48
const hashAt = 16
const pageBytes = 64 * 2 ** 20

/**
 * What a store does with records, without files: framing, dedupe by hash, reading by offset with the hash
 * compared.
 */
export class ObjectMemory implements NodeReader, NodeSink {
  #pages: Buffer[] = [Buffer.alloc(pageBytes)]
  #end = 64
  #table = new Uint32Array(2 ** 20)
  #mask = 2 ** 19 - 1
  #count = 0
  readonly #view: { -readonly [K in keyof BodyView]: BodyView[K] } = {
    buf: Buffer.alloc(0),
    start: 0,
    end: 0,
    referenceCount: 0,
  }
  nodeCount = 0
  nodeBytes = 0

  /** Bytes of all records, padding included. */
  get bytes(): number {
    return this.#end
  }

  node(ref: NodeRef): BodyView {
    const page = this.#pageOf(ref.offset)
    const at = ref.offset % pageBytes
    if (!hashEquals(page, at + hashAt, ref.hash)) throw new Error('another hash')
    return this.#viewOf(page, at)
  }

  nodeAt(offset: number, parent: Buffer, hashStart: number): BodyView {
    const page = this.#pageOf(offset)
    const at = offset % pageBytes
    for (let i = 0; i < hashSize; i++) {
      if (page[at + hashAt + i] !== parent[hashStart + i]) throw new Error('another hash')
    }
    return this.#viewOf(page, at)
  }

  putNode(hash: RawHash, body: Buffer, start: number, end: number, referenceCount: number): NodeRef {
    const before = this.#end
    const offset = this.#put(hash, body, start, end, referenceCount)
    if (this.#end > before) {
      this.nodeCount++
      this.nodeBytes += this.#end - before
    }
    return { hash, offset }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    return { hash, size: content.length, offset: this.#put(hash, content, 0, content.length, 0) }
  }

  #put(hash: RawHash, body: Buffer, start: number, end: number, referenceCount: number): number {
    const print = fingerprint(hash)
    let slot = (print & this.#mask) * 2
    for (; this.#table[slot + 1] !== 0; slot = (((slot >> 1) + 1) & this.#mask) * 2) {
      if (this.#table[slot] !== print) continue
      const offset = (this.#table[slot + 1] as number) * 8
      if (hashEquals(this.#pageOf(offset), (offset % pageBytes) + hashAt, hash)) return offset
    }
    const offset = this.#append(hash, body, start, end, referenceCount)
    this.#table[slot] = print
    this.#table[slot + 1] = offset / 8
    if (++this.#count * 2 > this.#mask) this.#growTable()
    return offset
  }

  #append(hash: RawHash, body: Buffer, start: number, end: number, referenceCount: number): number {
    const size = (headerSize + end - start + 7) & ~7
    if (this.#end + size > this.#pages.length * pageBytes) {
      this.#end = this.#pages.length * pageBytes
      this.#pages.push(Buffer.alloc(pageBytes))
    }
    const offset = this.#end
    const page = this.#pageOf(offset)
    const at = offset % pageBytes
    page[at + 10] = referenceCount
    page.writeUInt32LE(end - start, at + 12)
    writeHash(page, hash, at + hashAt)
    body.copy(page, at + headerSize, start, end)
    this.#end += size
    return offset
  }

  #growTable(): void {
    const old = this.#table
    this.#table = new Uint32Array(old.length * 2)
    this.#mask = old.length - 1
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue
      let slot = ((old[from] as number) & this.#mask) * 2
      while (this.#table[slot + 1] !== 0) slot = (((slot >> 1) + 1) & this.#mask) * 2
      this.#table[slot] = old[from] as number
      this.#table[slot + 1] = old[from + 1] as number
    }
  }

  #pageOf(offset: number): Buffer {
    return this.#pages[Math.floor(offset / pageBytes)] as Buffer
  }

  #viewOf(page: Buffer, at: number): BodyView {
    const view = this.#view
    view.buf = page
    view.start = at + headerSize
    view.end = view.start + page.readUInt32LE(at + 12)
    view.referenceCount = page[at + 10] as number
    return view
  }
}

function fingerprint(hash: RawHash): number {
  return (
    (hash.charCodeAt(0) |
      (hash.charCodeAt(1) << 8) |
      (hash.charCodeAt(2) << 16) |
      (hash.charCodeAt(3) << 24)) >>>
    0
  )
}
