import type { BlockTable } from './block-table.ts'

/** The unit of the block cache: 64 KiB of a file, aligned. */
export const blockBytes = 65_536
/**
 * Index files are read by single pages: look-ups come to them in no order, and most find nothing there.
 */
export const indexBlockBytes = 4096
/** Records start at multiples of this many bytes. */
export const slotBytes = 8

/**
 * Up to 64 KiB of one file, from `index * table.blockBytes` on. Bytes below `validTo` never change once they
 * are there, and memory that a reader may have a view of is never used for another block: a view stays right
 * for as long as it is held, also after the block has left the cache.
 */
export class Block {
  readonly table: BlockTable
  readonly index: number
  /** How many bytes of a file it is for. The last block of a file that grows no more may be shorter. */
  readonly size: number
  /**
   * The bytes of the file, and behind them one bit for each 8-byte slot: what starts there has been read and
   * its checksum was right. One array, because each costs a look-up one more miss of the processor's cache.
   */
  readonly buf: Buffer
  /** The same bytes, for searches in pages of numbers: faster than the methods of `Buffer`. */
  readonly view: DataView
  /** Bytes at the start of `buf` that hold the file's content. */
  validTo = 0
  /** A pinned block is not evicted: some of its bytes are in no file yet. */
  pins = 0
  /** Read since the eviction hand last passed. */
  isRecent = false
  /** A reader may have it, and keep views into it. Once true it stays so. */
  isShared = true

  /** @param buf of a block of the same size that was never shared and is in use no more; default: new */
  constructor(table: BlockTable, index: number, size: number, buf: Buffer = newMemory(size)) {
    this.table = table
    this.index = index
    this.size = size
    this.buf = buf.fill(0, size)
    this.view = new DataView(buf.buffer, buf.byteOffset, size)
  }

  /** @param position in the block, a multiple of 8 */
  isVerified(position: number): boolean {
    return ((this.buf[this.size + (position >>> 6)] as number) & (1 << ((position >>> 3) & 7))) !== 0
  }

  markVerified(position: number): void {
    const byte = this.size + (position >>> 6)
    this.buf[byte] = (this.buf[byte] as number) | (1 << ((position >>> 3) & 7))
  }

  /** What another block of the same part of the file has, which may be shorter. */
  takeFrom(other: Block): void {
    other.buf.copy(this.buf, 0, 0, other.validTo)
    other.buf.copy(this.buf, this.size, other.size, other.buf.length)
    this.validTo = other.validTo
  }
}

/** What a block of `bytes` costs in memory, in bytes, with its bitmap and its objects. */
export function blockCost(bytes: number): number {
  return bytes + bitmapBytes(bytes) + blockObjectBytes
}

function newMemory(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes + bitmapBytes(bytes))
}

function bitmapBytes(bytes: number): number {
  return Math.ceil(bytes / slotBytes / 8)
}

// Block, a Buffer, a DataView, an ArrayBuffer and its backing store's header, a place in the ring.
const blockObjectBytes = 600
