import { assert } from './assert.ts'

/** An integer below 2^53 takes at most 8 groups of 7 bits. */
export const varintBytesMax = 8

/** How many bytes `writeVarint` uses for the value. */
export function varintLength(value: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, 'a varint is an integer in [0, 2^53)')
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** LEB128, least significant group first, shortest form. Returns the position after it. */
export function writeVarint(bytes: Buffer, value: number, at: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, 'a varint is an integer in [0, 2^53)')
  let rest = value
  let position = at
  while (rest >= 128) {
    bytes[position++] = (rest % 128) + 128
    rest = Math.floor(rest / 128)
  }
  bytes[position] = rest
  return position + 1
}

/** Reads varints one after another out of bytes that end at `end`. */
export class VarintReader {
  readonly #bytes: Buffer
  readonly #end: number
  #position: number

  constructor(bytes: Buffer, start: number, end: number) {
    assert(start >= 0 && start <= end && end <= bytes.length, 'a range lies inside its buffer')
    this.#bytes = bytes
    this.#position = start
    this.#end = end
  }

  /** Where the next value starts. */
  get position(): number {
    return this.#position
  }

  /**
   * The next value; `undefined` when it is cut off, not the shortest form, or 2^53 or more. Then nothing
   * moves.
   */
  next(): number | undefined {
    let value = 0
    let factor = 1
    const limit = Math.min(this.#end, this.#position + varintBytesMax)
    for (let position = this.#position; position < limit; position++) {
      const byte = this.#bytes[position] as number
      value += (byte & 127) * factor
      if (byte < 128) return this.#accept(value, byte, position)
      factor *= 128
    }
    return undefined
  }

  #accept(value: number, lastByte: number, position: number): number | undefined {
    const isShortest = lastByte !== 0 || position === this.#position
    if (!isShortest || !Number.isSafeInteger(value)) return undefined
    this.#position = position + 1
    return value
  }
}
