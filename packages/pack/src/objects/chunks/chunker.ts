import { gearTable } from './gear-table.ts'

/** No chunk but the last is shorter. */
export const chunkBytesMin = 16_384
/**
 * Where cuts turn from unlikely to likely; chosen so that chunks of random bytes are 64 KiB long on average.
 */
export const chunkBytesNormal = 52_224
/** No chunk is longer. */
export const chunkBytesMax = 262_144

/**
 * High bits, which every one of the last 32 bytes has touched. Before the normal size 18 of them must be
 * zero…
 */
const hardMask = 0xffff_c000 | 0
/** …and after it 14, so that sizes gather around it. */
const easyMask = 0xfffc_0000 | 0

/** A byte is shifted out of the 32-bit hash after so many others. */
const windowSize = 32

/**
 * Cuts content where the content says so, so that an edit moves the cuts near it only: a gear hash with two
 * masks. Source of the method: Xia et al., "FastCDC" (USENIX ATC 2016). Feed bytes in pieces of any size; the
 * cuts depend only on the whole. Sizes, masks, and table are part of the format: with others, equal content
 * would no longer share its chunks.
 */
export class Chunker {
  readonly #pending = Buffer.allocUnsafeSlow(chunkBytesMax)
  #length = 0
  /** Bytes of the pending chunk behind which no cut is needed to be looked for again. */
  #scanned = 0

  /** Takes a piece; `emit` gets each finished chunk, valid during the call. */
  push(piece: Uint8Array, emit: (chunk: Buffer) => void): void {
    let from = 0
    while (from < piece.length) {
      const room = Math.min(chunkBytesMax - this.#length, piece.length - from)
      this.#pending.set(piece.subarray(from, from + room), this.#length)
      this.#length += room
      from += room
      for (let cut = this.#scan(); cut > 0; cut = this.#scan()) this.#emitTo(cut, emit)
    }
  }

  /** The rest, as the last chunk. The chunker is ready for other content then. */
  finish(emit: (chunk: Buffer) => void): void {
    if (this.#length > 0) this.#emitTo(this.#length, emit)
  }

  #emitTo(cut: number, emit: (chunk: Buffer) => void): void {
    emit(this.#pending.subarray(0, cut))
    this.#pending.copyWithin(0, cut, this.#length)
    this.#length -= cut
    this.#scanned = 0
  }

  /** Length of the pending chunk if its end is known, else 0. */
  #scan(): number {
    const length = this.#length
    const from = Math.max(this.#scanned, chunkBytesMin)
    this.#scanned = length
    const normal = Math.min(length, chunkBytesNormal)
    const hard = from < normal ? findCut(this.#pending, { from, to: normal }, hardMask) : 0
    if (hard > 0) return hard
    const easy = Math.max(from, chunkBytesNormal)
    const cut = easy < length ? findCut(this.#pending, { from: easy, to: length }, easyMask) : 0
    return cut === 0 && length === chunkBytesMax ? length : cut
  }
}

/** Just behind the first byte in the range after which the hash is zero under the mask; 0: there is none. */
function findCut(bytes: Buffer, { from, to }: { from: number; to: number }, mask: number): number {
  let hash = hashBefore(bytes, from)
  for (let at = from; at < to; at++) {
    hash = ((hash << 1) + gearTable[bytes[at]!]!) | 0
    if ((hash & mask) === 0) return at + 1
  }
  return 0
}

/** The hash as it was when the byte in front of `at` had been taken; hashing begins at the least size. */
function hashBefore(bytes: Buffer, at: number): number {
  let hash = 0
  for (let i = Math.max(chunkBytesMin, at - windowSize); i < at; i++) {
    hash = ((hash << 1) + gearTable[bytes[i]!]!) | 0
  }
  return hash
}
