import { assert } from './assert.ts'

const twoTo32 = 0x1_0000_0000
/** The high word of 2^53: a value whose high word reaches it is not exact as a `number`. */
const highWordLimit = 0x20_0000
/**
 * An array up to the first size lies in the heap of JavaScript, where a new one takes 30 ns. A larger one
 * with memory of its own takes 600 ns and more; up to the second size a piece of Node's pool takes 100.
 */
const inHeapMax = 64
const pooledMax = 1024

/**
 * An unsigned 64-bit little-endian field as a number, for bytes that a checksum has proved.
 * A value of 2^53 or more is a bug of whoever wrote it.
 */
export function readU64(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32LE(at + 4)
  assert(high < highWordLimit, 'a 64-bit field is below 2^53')
  return high * twoTo32 + bytes.readUInt32LE(at)
}

/** The same for bytes that nothing has proved yet; `undefined` for 2^53 or more. */
export function tryReadU64(bytes: Buffer, at: number): number | undefined {
  const high = bytes.readUInt32LE(at + 4)
  return high < highWordLimit ? high * twoTo32 + bytes.readUInt32LE(at) : undefined
}

/** Writes an integer in [0, 2^53) as an unsigned 64-bit little-endian field. */
export function writeU64(bytes: Buffer, value: number, at: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a 64-bit field is an integer in [0, 2^53)')
  const low = value >>> 0
  bytes.writeUInt32LE(low, at)
  bytes.writeUInt32LE((value - low) / twoTo32, at + 4)
}

/**
 * Bytes [start, end) as a view, not a copy, somewhat cheaper than a `Buffer` of them. The range is the
 * caller's to check: the view may reach past `bytes` within the memory that it lies in.
 */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
}

/**
 * Bytes [start, end) as a plain array of their own. Small ones lie beside each other in memory that cannot be
 * transferred to another thread.
 */
export function copyOfBytes(bytes: Uint8Array, start: number, end: number): ReturnType<Uint8Array['slice']> {
  const copy = newBytes(end - start)
  copy.set(viewOf(bytes, start, end))
  return copy
}

function newBytes(length: number): ReturnType<Uint8Array['slice']> {
  if (length <= inHeapMax || length > pooledMax) return new Uint8Array(length)
  const piece = Buffer.allocUnsafe(length)
  return new Uint8Array(piece.buffer, piece.byteOffset, length)
}

/**
 * Views of one buffer that begin at one place, by length. Each is made once: to make one takes longer than to
 * copy a small record.
 */
export class Views {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #byLength: (Buffer | undefined)[] = []

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes
    this.#start = start
  }

  /** @param length at most what the buffer has from the start on */
  of(length: number): Buffer {
    return this.#byLength[length] ?? this.#make(length)
  }

  #make(length: number): Buffer {
    const view = this.#bytes.subarray(this.#start, this.#start + length)
    while (this.#byLength.length < length) this.#byLength.push(undefined)
    this.#byLength[length] = view
    return view
  }
}
