import { gearTable } from './gear-table.ts'

/** No chunk but the last is shorter. */
export const chunkBytesMin = 16_384
/** Half-way between "unlikely" and "likely" cuts; chunks are about this long on average. */
export const chunkBytesNormal = 65_536
/** No chunk is longer. */
export const chunkBytesMax = 262_144

/**
 * High bits, which every one of the last 32 bytes has touched. Before the normal size 18 of them must be
 * zero...
 */
const hardMask = 0xffff_c000 | 0
/** ...and after it 14, so that sizes gather around it. */
const easyMask = 0xfffc_0000 | 0

/**
 * Cuts content where the content says so, so that an edit moves the cuts near it only: a gear hash with two
 * masks. Source of the method: Xia et al., "FastCDC" (USENIX ATC 2016). Feed bytes in pieces of any size; the
 * cuts depend only on the whole.
 */
export class Chunker {
  readonly #pending = Buffer.allocUnsafeSlow(chunkBytesMax)
  #length = 0
  /** Bytes of the pending chunk that the hash has seen. */
  #scanned = 0
  #hash = 0

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
    this.#hash = 0
  }

  /** Length of the pending chunk if its end is known, else 0. */
  #scan(): number {
    const bytes = this.#pending
    const length = this.#length
    let at = Math.max(this.#scanned, chunkBytesMin)
    let hash = this.#hash
    for (const end = Math.min(length, chunkBytesNormal); at < end; at++) {
      hash = ((hash << 1) + (gearTable[bytes[at] as number] as number)) | 0
      if ((hash & hardMask) === 0) return at + 1
    }
    for (const end = Math.min(length, chunkBytesMax); at < end; at++) {
      hash = ((hash << 1) + (gearTable[bytes[at] as number] as number)) | 0
      if ((hash & easyMask) === 0) return at + 1
    }
    this.#scanned = at
    this.#hash = hash
    return length === chunkBytesMax ? length : 0
  }
}
