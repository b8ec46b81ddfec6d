import createXxhash, { type XXHash, type XXHashAPI } from 'xxhash-wasm'
import { assert } from './assert.ts'
import { viewOf } from './bytes.ts'

/**
 * Longer input goes in by pieces, so that the 64 KiB which the hash's memory has at first suffice. Memory
 * that grows detaches its old buffer, and after the first detached buffer of a thread V8 throws away what it
 * has compiled for typed arrays and from then on looks at each access whether its buffer is still there.
 */
const pieceBytesMax = 1 << 15

/**
 * The compiled module. Compiling is asynchronous and a top-level `await` would make `require()` of the
 * library impossible, so it is compiled once, on demand; nothing else is ever kept here.
 */
let compiled: XXHashAPI | undefined

const sumSize = 8
const twoTo32 = 0x1_0000_0000
/**
 * Where a sum is taken apart into bytes, and a seed put together from words, as the processor has them: the
 * methods of `Buffer`, `DataView`, and `BigInt` for that take as long as the sum itself.
 */
const wide = new BigUint64Array(1)
const words = new Uint32Array(wide.buffer)
const bytesOfWide = new Uint8Array(wide.buffer)
wide[0] = 1n
const lowWord = words[0] === 1 ? 0 : 1
/** Flips the index of a byte where the processor has the highest one first. */
const byteFlip = lowWord === 0 ? 0 : sumSize - 1

/** Must have resolved once before any other function of this file is called; cheap to call again. */
export async function loadXxh64(): Promise<void> {
  compiled ??= await createXxhash()
}

/** XXH64 of bytes [start, end). A checksum, never an identity. The seed is an integer in [0, 2^53). */
export function xxh64(bytes: Uint8Array, start: number, end: number, seed: number): bigint {
  assert(start >= 0 && start <= end && end <= bytes.length, 'a range lies inside its buffer')
  if (end - start > pieceBytesMax) return new Xxh64Stream(seed).update(bytes, start, end).digest()
  return api().h64Raw(viewOf(bytes, start, end), seedOf(seed))
}

/** Writes the XXH64 of bytes [start, end) as the 8 bytes at `at` of `target`. */
export function writeXxh64(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
  target: Uint8Array,
  at: number,
): void {
  putSum(xxh64(bytes, start, end, seed), target, at)
}

/** The same for all bytes of an array, at most 32 KiB: it makes no view of them. */
export function writeXxh64Of(bytes: Uint8Array, seed: number, target: Uint8Array, at: number): void {
  assert(bytes.length <= pieceBytesMax, 'what is summed at once is short')
  putSum(api().h64Raw(bytes, seedOf(seed)), target, at)
}

/** Whether the 8 bytes at `at` of `sums` are the XXH64 of bytes [start, end). */
export function hasXxh64(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
  sums: Uint8Array,
  at: number,
): boolean {
  wide[0] = xxh64(bytes, start, end, seed)
  for (let i = 0; i < sumSize; i++) if (sums[at + i] !== bytesOfWide[i ^ byteFlip]) return false
  return true
}

/** XXH64 over bytes that arrive in pieces. */
export class Xxh64Stream {
  readonly #state: XXHash<bigint>

  constructor(seed: number) {
    this.#state = api().create64(seedOf(seed))
  }

  update(bytes: Uint8Array, start: number, end: number): this {
    assert(start >= 0 && start <= end && end <= bytes.length, 'a range lies inside its buffer')
    for (let from = start; from < end; from += pieceBytesMax) {
      const length = Math.min(pieceBytesMax, end - from)
      this.#state.update(new Uint8Array(bytes.buffer, bytes.byteOffset + from, length))
    }
    return this
  }

  /** The sum so far; more may be added after it. */
  digest(): bigint {
    return this.#state.digest()
  }
}

function putSum(sum: bigint, target: Uint8Array, at: number): void {
  wide[0] = sum
  for (let i = 0; i < sumSize; i++) target[at + i] = bytesOfWide[i ^ byteFlip] as number
}

/** @param seed an integer in [0, 2^53) */
function seedOf(seed: number): bigint {
  words[lowWord] = seed
  words[1 - lowWord] = seed / twoTo32
  return wide[0] as bigint
}

function api(): XXHashAPI {
  assert(compiled !== undefined, 'loadXxh64() has resolved before a checksum is asked for')
  return compiled
}
