import { type IndexKind, indexKind, recordKind } from '@varve/pack/objects'
import { recordHeaderSize } from '@varve/pack/pack'

const hashBytes = 32
const leafForm = 1
const leafHeaderBytes = 4
/** 16 + the 5 bits that an inner node tells apart. */
const innerForm = 21
const innerHeaderBytes = 8
const directoryMode = 4
const listHeaderBytes = 16
const listEntryBytes = 40
const twoTo32 = 0x1_0000_0000

/**
 * What one record refers to: for each reference the virtual offset, and kind and hash of what should lie
 * there. Filled again for every record; no object per reference. See docs/format.md, "Bodies".
 */
export class EdgeList {
  count = 0
  /** The offsets' two words; see `offset`. */
  readonly low: Int32Array = new Int32Array(0x1_0000)
  readonly high: Int32Array = new Int32Array(0x1_0000)
  /** Where each hash stands in the record's buffer. */
  readonly hashAt: Int32Array = new Int32Array(0x1_0000)
  readonly kinds: Uint8Array = new Uint8Array(0x1_0000)

  /** False: the body is not one of its kind. The record starts at `at`. */
  fill(bytes: Buffer, at: number): boolean {
    const n = (bytes[at + 10] as number) | ((bytes[at + 11] as number) << 8)
    const start = at + recordHeaderSize
    const end = start + bytes.readUInt32LE(at + 12)
    this.count = n
    if (n === 0) return true
    for (let i = 0, p = end - 8 * n; i < n; i++, p += 8) {
      this.low[i] = word(bytes, p)
      this.high[i] = word(bytes, p + 4)
    }
    const canonicalEnd = end - 8 * n
    switch (bytes[at + 8]) {
      case recordKind.node:
        return this.#node(bytes, start, canonicalEnd, n)
      case recordKind.commit:
        return n === 1 && this.#same(start + 1, 1, indexKind.tree, canonicalEnd)
      case recordKind.list:
      case recordKind.bigBlob:
        return this.#list(bytes, start, canonicalEnd, n)
      default:
        return false
    }
  }

  /** The virtual offset of reference `i`. */
  offset(i: number): number {
    return ((this.high[i] as number) >>> 0) * twoTo32 + ((this.low[i] as number) >>> 0)
  }

  #node(bytes: Buffer, start: number, end: number, n: number): boolean {
    if (bytes[start] === leafForm) return this.#leaf(bytes, start, end, n)
    if (bytes[start] !== innerForm) return false
    return this.#same(start + innerHeaderBytes, n, indexKind.tree, end)
  }

  #leaf(bytes: Buffer, start: number, end: number, n: number): boolean {
    const hashes = start + leafHeaderBytes + 2 * n
    const shared = (bytes[start + 2] as number) | ((bytes[start + 3] as number) << 8)
    const parts = hashes + hashBytes * n + shared
    if (bytes[start + 1] !== n || parts > end) return false
    let part = parts
    for (let i = 0, p = start + leafHeaderBytes; i < n; i++, p += 2) {
      if (part >= end) return false
      this.kinds[i] = ((bytes[part] as number) & 7) === directoryMode ? indexKind.tree : indexKind.blob
      this.hashAt[i] = hashes + hashBytes * i
      part = parts + ((bytes[p] as number) | ((bytes[p + 1] as number) << 8))
    }
    return part === end
  }

  #list(bytes: Buffer, start: number, end: number, n: number): boolean {
    const kind = bytes[start] === 0 ? indexKind.blob : indexKind.list
    if (start + listHeaderBytes + listEntryBytes * n !== end) return false
    for (let i = 0; i < n; i++) {
      this.kinds[i] = kind
      this.hashAt[i] = start + listHeaderBytes + listEntryBytes * i
    }
    return true
  }

  #same(hashes: number, n: number, kind: IndexKind, end: number): boolean {
    if (hashes + hashBytes * n > end) return false
    for (let i = 0; i < n; i++) {
      this.kinds[i] = kind
      this.hashAt[i] = hashes + hashBytes * i
    }
    return true
  }
}

function word(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}
