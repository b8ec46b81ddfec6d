import { assert, readU64, tryReadU64, writeU64, xxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type FileHandle, type FileSystem, readFullySync, writeFully } from '@varve/pack/fs'

const headerSize = 24
const bufferBytes = 256 * 1024
const slotsMax = 4096

/** One list of slots, or a bitmap, as it comes back from the file. */
export interface SpilledPiece {
  readonly slots: Uint16Array
  readonly isBitmap: boolean
  /** Where the piece lies that was written before for the same region; 0: none. */
  readonly previous: number
}

/**
 * The scratch file to which marks go when memory is short. Pieces are appended and read back by position;
 * each names the earlier piece of its region. It is deleted with its collection and means nothing to anybody
 * else, but a bit lost here would lose an object, so each piece carries a checksum: u64 xxh64 (seed:
 * position) | u32 count | u32 1 for a bitmap | u64 previous | slots of 16 bits, padded to 8 bytes.
 */
export class SpillFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #buffer: Buffer = Buffer.allocUnsafe(bufferBytes)
  readonly #scratch: Buffer = Buffer.allocUnsafe(headerSize + slotsMax * 2)
  #buffered = 0
  /** Position 0 means "none", so the first piece starts after it. */
  #written = 8

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle
    this.#path = path
  }

  static async create(fs: FileSystem, path: string): Promise<SpillFile> {
    return new SpillFile(await fs.open(path, 'create'), path)
  }

  get bytesWritten(): number {
    return this.#written
  }

  /** Whether the next piece may not fit: then `flush` comes first. */
  get mustFlush(): boolean {
    return this.#buffered + headerSize + slotsMax * 2 > bufferBytes
  }

  /** Adds a piece and gives its position. Readable after the next `flush`. */
  append(slots: Uint16Array, isBitmap: boolean, previous: number): number {
    assert(slots.length <= slotsMax, 'a spilled piece is no longer than a bitmap')
    assert(!this.mustFlush, 'a piece is appended where there is room')
    const position = this.#written + this.#buffered
    const start = this.#buffered
    const end = start + headerSize + slots.length * 2
    this.#buffer.writeUInt32LE(slots.length, start + 8)
    this.#buffer.writeUInt32LE(isBitmap ? 1 : 0, start + 12)
    writeU64(this.#buffer, previous, start + 16)
    for (let i = 0; i < slots.length; i++) {
      this.#buffer.writeUInt16LE(slots[i] as number, start + headerSize + i * 2)
    }
    this.#buffer.writeBigUInt64LE(xxh64(this.#buffer, start + 8, end, position), start)
    const padded = (end + 7) & ~7
    this.#buffer.fill(0, end, padded)
    this.#buffered = padded
    return position
  }

  async flush(): Promise<void> {
    await writeFully(this.#handle, this.#buffer, 0, this.#buffered, this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }

  /**
   * The piece at a position.
   * @throws CORRUPT when the file does not hold what was written
   */
  read(position: number): SpilledPiece {
    const scratch = this.#scratch
    const available = readFullySync(this.#handle, scratch, 0, scratch.length, position)
    const count = available < headerSize ? slotsMax + 1 : scratch.readUInt32LE(8)
    const end = headerSize + count * 2
    const isWhole = count <= slotsMax && end <= available
    if (!isWhole || scratch.readBigUInt64LE(0) !== xxh64(scratch, 8, end, position)) {
      throw new VarveError('CORRUPT', { file: this.#path, offset: position })
    }
    assert(tryReadU64(scratch, 16) !== undefined, 'a checked piece names a position')
    const slots = new Uint16Array(count)
    for (let i = 0; i < count; i++) slots[i] = scratch.readUInt16LE(headerSize + i * 2)
    return { slots, isBitmap: scratch.readUInt32LE(12) === 1, previous: readU64(scratch, 16) }
  }

  /** Closes the handle; whoever made the collection removes the file. */
  async close(): Promise<void> {
    await this.#handle.close()
  }
}
