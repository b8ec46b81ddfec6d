import { assert } from '@varve/pack/base'

/**
 * Marks are kept by regions of this many bytes of the virtual address space: a slot in one fits in 16 bits.
 */
export const regionBytes: number = 512 * 1024

/** Records start at multiples of 8, so a region has this many places where one can start. */
export const slotsPerRegion: number = regionBytes / 8

const wordCount = slotsPerRegion / 32

/** The region in which an offset lies. Offsets go to 2^53, regions to 2^34. */
export function regionOf(offset: number): number {
  return Math.floor(offset / regionBytes)
}

/**
 * The slots of one region as a bitmap: what the sweep works on while it is inside that region.
 * Allocated once and reused; `words[i]` holds the slots [32i, 32i + 32), lowest bit first.
 */
export class RegionBits {
  readonly words: Uint32Array = new Uint32Array(wordCount)

  clear(): void {
    this.words.fill(0)
  }

  set(slot: number): void {
    const word = slot >>> 5
    this.words[word] = (this.words[word] as number) | (1 << (slot & 31))
  }

  has(slot: number): boolean {
    return (((this.words[slot >>> 5] as number) >>> (slot & 31)) & 1) === 1
  }

  /** Takes away every slot that the other has. */
  subtract(other: RegionBits): void {
    for (let i = 0; i < wordCount; i++) {
      this.words[i] = (this.words[i] as number) & ~(other.words[i] as number)
    }
  }

  /** Adds every slot that the other has. */
  add(other: RegionBits): void {
    for (let i = 0; i < wordCount; i++) {
      this.words[i] = (this.words[i] as number) | (other.words[i] as number)
    }
  }

  /** The highest slot below `limit`, or -1. */
  highestBelow(limit: number): number {
    assert(limit >= 0 && limit <= slotsPerRegion, 'a limit of slots lies in its region')
    let word = limit >>> 5
    let rest = word === wordCount ? 0 : ((this.words[word] as number) & ((1 << (limit & 31)) - 1)) >>> 0
    while (rest === 0) {
      if (--word < 0) return -1
      rest = this.words[word] as number
    }
    return (word << 5) + 31 - Math.clz32(rest)
  }

  count(): number {
    let sum = 0
    for (let i = 0; i < wordCount; i++) {
      const word = this.words[i] as number
      if (word !== 0) sum += bitCount(word)
    }
    return sum
  }
}

/** How many bits are set, by adding neighbours in parallel. */
function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x5555_5555)
  v = (v & 0x3333_3333) + ((v >>> 2) & 0x3333_3333)
  v = (v + (v >>> 4)) & 0x0f0f_0f0f
  return Math.imul(v, 0x0101_0101) >>> 24
}
