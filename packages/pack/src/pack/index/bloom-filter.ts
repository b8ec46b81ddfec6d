import { assert } from '../../base/index.ts'

/** Each object gets this many bits: about one in 200 absent hashes passes. */
const bitsPerObject = 12
const probes = 6
/** A block is one cache line, so that a look-up costs one miss of the processor's cache. */
const blockWords = 16
const blockBytes = blockWords * 4
const twoTo32 = 0x1_0000_0000
/** The product of a word and the block count stays exact in a double. */
const blocksMax = 1 << 21

/**
 * Which hashes may be in an index: a blocked Bloom filter (Putze, Sanders, Singler 2007) over the first 8
 * bytes of each hash, which are uniform already. `has` never says no to what was added.
 */
export class BloomFilter {
  /** With a sign: what is not a small integer would be an object each time until this is compiled. */
  readonly #words: Int32Array
  readonly #blocks: number

  private constructor(words: Int32Array) {
    this.#words = words
    this.#blocks = words.length / blockWords
  }

  /** An empty filter for so many objects. */
  static for(objects: number): BloomFilter {
    const blocks = Math.max(1, Math.ceil((objects * bitsPerObject) / (blockBytes * 8)))
    assert(blocks <= blocksMax, 'an index has at most 89 million objects')
    return new BloomFilter(new Int32Array(blocks * blockWords))
  }

  /** The filter that `toBytes` gave; `undefined` for bytes that cannot be one. Keeps the bytes. */
  static ofBytes(bytes: Buffer): BloomFilter | undefined {
    const blocks = bytes.length / blockBytes
    if (!Number.isInteger(blocks) || blocks < 1 || blocks > blocksMax) return undefined
    const own = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(bytes)
    const words = new Int32Array(own.buffer, own.byteOffset, own.length / 4)
    return new BloomFilter(inByteOrder(words))
  }

  /** Memory in use, and length on disk. */
  get bytes(): number {
    return this.#words.byteLength
  }

  /** @param high, low the hash's first and second four bytes, big-endian */
  add(high: number, low: number): void {
    this.addAll([high], [low], 1)
  }

  /** The same for the first `count` of a list. */
  addAll(high: ArrayLike<number>, low: ArrayLike<number>, count: number): void {
    const words = this.#words
    const blocks = this.#blocks
    for (let i = 0; i < count; i++) {
      const first = high[i] as number
      const second = low[i] as number
      const block = Math.floor((first * blocks) / twoTo32) * blockWords
      let state = mixed(first, second)
      for (let probe = 0; probe < probes; probe++) {
        const word = block + (state >>> 28)
        words[word] = (words[word] as number) | (1 << ((state >>> 23) & 31))
        state = step(state)
      }
    }
  }

  has(high: number, low: number): boolean {
    const words = this.#words
    const block = this.#block(high)
    let state = mixed(high, low)
    for (let i = 0; i < probes; i++) {
      const word = words[block + (state >>> 28)] as number
      if ((word & (1 << ((state >>> 23) & 31))) === 0) return false
      state = step(state)
    }
    return true
  }

  toBytes(): Buffer {
    const words = inByteOrder(this.#words)
    return Buffer.from(words.buffer, words.byteOffset, words.byteLength)
  }

  #block(high: number): number {
    return Math.floor((high * this.#blocks) / twoTo32) * blockWords
  }
}

function mixed(high: number, low: number): number {
  return Math.imul(low ^ (low >>> 15) ^ high, 0x2c1b_3c6d)
}

function step(state: number): number {
  return (Math.imul(state, 0x5bd1_e995) + 0x3c6e_f35f) | 0
}

/** The words as they stand on disk, little-endian: themselves nearly everywhere, swapped copies elsewhere. */
function inByteOrder(words: Int32Array): Int32Array {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] === 1) return words
  const copy = words.slice()
  Buffer.from(copy.buffer).swap32()
  return copy
}
