import createXxhash, { type XXHash, type XXHashAPI } from 'xxhash-wasm'
import { assert } from './assert.ts'
import { viewOf } from './bytes.ts'

/** Longer input goes in by pieces: the hash's memory grows to its longest input and never shrinks. */
const pieceBytesMax = 1 << 20

/**
 * The compiled module. Compiling is asynchronous and a top-level `await` would make `require()` of the
 * library impossible, so it is compiled once, on demand; nothing else is ever kept here.
 */
let compiled: XXHashAPI | undefined

const sumSize = 8
/**
 * Where a sum is taken apart into bytes: the methods of `Buffer` for that take longer than the sum itself.
 */
const sumBytes = new Uint8Array(sumSize)
const sumView = new DataView(sumBytes.buffer)

/** Must have resolved once before any other function of this file is called; cheap to call again. */
export async function loadXxh64(): Promise<void> {
  compiled ??= await createXxhash()
}

/** XXH64 of bytes [start, end). A checksum, never an identity. The seed is an integer in [0, 2^53). */
export function xxh64(bytes: Uint8Array, start: number, end: number, seed: number): bigint {
  assert(start >= 0 && start <= end && end <= bytes.length, 'a range lies inside its buffer')
  if (end - start > pieceBytesMax) return new Xxh64Stream(seed).update(bytes, start, end).digest()
  return api().h64Raw(viewOf(bytes, start, end), BigInt(seed))
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
  sumView.setBigUint64(0, xxh64(bytes, start, end, seed), true)
  for (let i = 0; i < sumSize; i++) target[at + i] = sumBytes[i] as number
}

/** The same for all bytes of an array, at most 1 MiB: it makes no view of them. */
export function writeXxh64Of(bytes: Uint8Array, seed: number, target: Uint8Array, at: number): void {
  assert(bytes.length <= pieceBytesMax, 'what is summed at once is short')
  sumView.setBigUint64(0, api().h64Raw(bytes, BigInt(seed)), true)
  for (let i = 0; i < sumSize; i++) target[at + i] = sumBytes[i] as number
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
  sumView.setBigUint64(0, xxh64(bytes, start, end, seed), true)
  for (let i = 0; i < sumSize; i++) if (sums[at + i] !== sumBytes[i]) return false
  return true
}

/** XXH64 over bytes that arrive in pieces. */
export class Xxh64Stream {
  readonly #state: XXHash<bigint>

  constructor(seed: number) {
    this.#state = api().create64(BigInt(seed))
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

function api(): XXHashAPI {
  assert(compiled !== undefined, 'loadXxh64() has resolved before a checksum is asked for')
  return compiled
}
