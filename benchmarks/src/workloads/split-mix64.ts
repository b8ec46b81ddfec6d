const slabBytes = 1 << 20

/**
 * The generator of the reference workloads: equal seeds give equal keys and values in every implementation.
 * On two 32-bit halves, so that what it leaves behind does not burden the garbage collector while others are
 * timed. (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.)
 */
export class SplitMix64 {
  /** The halves of the last output. */
  high = 0
  low = 0
  #stateHigh = 0
  #stateLow: number
  #slab: Buffer = Buffer.alloc(0)
  #used = 0

  constructor(seed: number) {
    this.#stateLow = seed >>> 0
  }

  /** Draws 64 random bits into `high` and `low`. */
  next(): this {
    const low = this.#stateLow + 0x7f4a_7c15
    this.#stateLow = low >>> 0
    this.#stateHigh = (this.#stateHigh + 0x9e37_79b9 + (low > 0xffff_ffff ? 1 : 0)) >>> 0
    this.high = this.#stateHigh
    this.low = this.#stateLow
    this.#mix(30, 0xbf58_476d, 0x1ce4_e5b9)
    this.#mix(27, 0x94d0_49bb, 0x1331_11eb)
    this.#fold(31)
    return this
  }

  /** An integer in [0, bound), for bounds up to 2^20. */
  index(bound: number): number {
    this.next()
    return ((this.high % bound) * 2 ** 32 + this.low) % bound
  }

  /** As 16 lower-case hex digits. */
  hex(): string {
    this.next()
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0')
  }

  bytes(size: number): Buffer {
    const room = Math.ceil(size / 8) * 8
    if (this.#used + room > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#used = 0
    }
    const start = this.#used
    for (let at = start; at < start + room; at += 8) {
      this.next()
      this.#slab.writeUInt32LE(this.low, at)
      this.#slab.writeUInt32LE(this.high, at + 4)
    }
    this.#used += room
    return this.#slab.subarray(start, start + size)
  }

  /** Goes on as if so many bytes had been drawn. */
  skipBytes(size: number): void {
    for (let at = 0; at < size; at += 8) this.next()
  }

  /** x = (x ^ x >> shift) * factor */
  #mix(shift: number, factorHigh: number, factorLow: number): void {
    this.#fold(shift)
    const crossed = Math.imul(this.high, factorLow) + Math.imul(this.low, factorHigh)
    const [a, b] = [this.low & 0xffff, this.low >>> 16]
    const [c, d] = [factorLow & 0xffff, factorLow >>> 16]
    const middle = a * d + ((a * c) >>> 16)
    const carry = (middle & 0xffff) + b * c
    this.high = (b * d + Math.floor(middle / 0x1_0000) + Math.floor(carry / 0x1_0000) + crossed) >>> 0
    this.low = Math.imul(this.low, factorLow) >>> 0
  }

  /** x ^= x >> shift, for shifts below 32 */
  #fold(shift: number): void {
    const shifted = ((this.low >>> shift) | (this.high << (32 - shift))) >>> 0
    this.low = (this.low ^ shifted) >>> 0
    this.high = (this.high ^ (this.high >>> shift)) >>> 0
  }
}
