import { chunkBaseAlignment } from './chunk-file.ts'
import { packHeaderSize } from './pack-header.ts'

/** Where a chunk's log ends: all that is needed to go on appending to it. Offsets are virtual. */
export interface ChunkTail {
  readonly number: number
  readonly base: number
  readonly nonce: Buffer
  /** The next batch starts here; everything below is synced. */
  readonly end: number
  /** Of the file; larger than `end - base` when bytes stand after the accepted end. */
  readonly fileSize: number
  readonly recordCount: number
  /** Of the last batch, 0 without one. */
  readonly sequence: number
  /** The last batch is the empty one with which a log is closed, or there is none. */
  readonly isClosed: boolean
  /** Bytes stand after the end, and no byte is used twice: nothing more may be appended to this chunk. */
  readonly needsNewChunk: boolean
}

/** The tail of a chunk file that has just been created. */
export function emptyTail(chunk: { number: number; base: number; nonce: Buffer }): ChunkTail {
  return {
    number: chunk.number,
    base: chunk.base,
    nonce: chunk.nonce,
    end: chunk.base + packHeaderSize,
    fileSize: packHeaderSize,
    recordCount: 0,
    sequence: 0,
    isClosed: true,
    needsNewChunk: false,
  }
}

/** The base of the chunk that follows one with this base, sealed at this end, in a file of this size. */
export function nextBase(chunk: { base: number; end: number; fileSize: number }): number {
  const used = Math.max(chunk.end - chunk.base, chunk.fileSize)
  return chunk.base + Math.ceil(used / chunkBaseAlignment) * chunkBaseAlignment
}
