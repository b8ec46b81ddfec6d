import { assert } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, readFullySync, writeFully, writeFullySync } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'

/** A block of the cache that is being filled; see `Block` in the room `read`. */
export interface TailBlock {
  readonly buf: Buffer
  validTo: number
  /** The record at this position of the block, which lies whole inside it, is proved. */
  markVerified(position: number): void
}

/**
 * Where the blocks come from: `BlockCache`. What is below `validTo` of an adopted block, readers see at once.
 */
export interface TailCache {
  /** Pinned until `unpin`. */
  adopt(fileNumber: number, index: number): TailBlock
  unpin(block: TailBlock): void
}

/** The size of the cache's blocks. */
export const tailBlockSize = 65_536

/** Ranges up to this size are written in place; longer ones without blocking the thread. */
const writtenAtOnceMax = 2 * 1024 * 1024

/**
 * The bytes at the end of a chunk that its file may not have yet, in pinned blocks of the block cache:
 * appended there once, read from there, written from there. Positions are those of the file. Bytes below what
 * has been written never change; a block is unpinned when it is full and written.
 */
export class LogTail {
  readonly #cache: TailCache
  readonly #fileNumber: number
  readonly #handle: FileHandle
  /** Consecutive; the first holds the lowest byte that may be unwritten. */
  readonly #blocks: TailBlock[] = []
  #firstIndex: number
  #last: TailBlock | undefined
  #lastStart = 0
  #isStopped = false

  constructor(o: {
    readonly cache: TailCache
    readonly fileNumber: number
    readonly handle: FileHandle
    readonly end: number
  }) {
    this.#cache = o.cache
    this.#fileNumber = o.fileNumber
    this.#handle = o.handle
    this.#firstIndex = Math.floor(o.end / tailBlockSize)
  }

  /**
   * Fills the block in which the file ends at `end` with the bytes it has already.
   * @throws what the file system throws
   */
  load(end: number): void {
    const start = this.#firstIndex * tailBlockSize
    if (start === end) return
    const block = this.block(start)
    const missing = end - start - block.validTo
    if (missing <= 0) return
    const length = readFullySync(this.#handle, block.buf, block.validTo, missing, start + block.validTo)
    assert(length === missing, 'a chunk does not get shorter while it is open')
    block.validTo += length
  }

  /** The block with this position, which is at most the end of the tail. */
  block(position: number): TailBlock {
    const last = this.#last
    if (last !== undefined && position >= this.#lastStart && position < this.#lastStart + tailBlockSize)
      return last
    const index = Math.floor(position / tailBlockSize)
    const place = index - this.#firstIndex
    assert(place >= 0 && place <= this.#blocks.length, 'the blocks of the tail are consecutive')
    if (place < this.#blocks.length) return this.#blocks[place] as TailBlock
    const block = this.#cache.adopt(this.#fileNumber, index)
    this.#blocks.push(block)
    this.#last = block
    this.#lastStart = index * tailBlockSize
    return block
  }

  /** Puts bytes [start, end) of `source` at `position`, across blocks where need be. */
  put(source: Buffer, start: number, end: number, position: number): void {
    let from = start
    while (from < end) {
      const at = position + from - start
      const block = this.block(at)
      const inBlock = at & (tailBlockSize - 1)
      const length = Math.min(end - from, tailBlockSize - inBlock)
      source.copy(block.buf, inBlock, from, from + length)
      block.validTo = Math.max(block.validTo, inBlock + length)
      from += length
    }
  }

  /**
   * Writes positions [from, to) to the file: at once where they are few, else returns the promise of it.
   * @throws what the file system throws
   */
  write(from: number, to: number): Promise<void> | undefined {
    if (to - from > writtenAtOnceMax) return this.#writeMany(from, to)
    for (let at = from; at < to; ) {
      const [block, inBlock, length] = this.#piece(at, to)
      writeFullySync(this.#handle, block.buf, inBlock, length, at)
      at += length
    }
    return undefined
  }

  /** Unpins the blocks that end at or below `position`; everything below it is written. */
  release(position: number): void {
    let full = 0
    while (full < this.#blocks.length && (this.#firstIndex + full + 1) * tailBlockSize <= position) full++
    for (const block of this.#blocks.splice(0, full)) this.#cache.unpin(block)
    this.#firstIndex += full
    if (this.#blocks.length === 0) this.#last = undefined
  }

  /** Unpins what is left; nothing is appended or written after it. */
  releaseAll(): void {
    for (const block of this.#blocks.splice(0)) this.#cache.unpin(block)
    this.#last = undefined
  }

  /** Ends a write that is under way: its promise rejects. */
  stop(): void {
    this.#isStopped = true
  }

  async #writeMany(from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      if (this.#isStopped) throw new VarveError('WRITER_FAILED', { file: fileName.chunk(this.#fileNumber) })
      const [block, inBlock, length] = this.#piece(at, to)
      await writeFully(this.#handle, block.buf, inBlock, length, at)
      at += length
    }
  }

  /** The part of [at, to) in the block of `at`: the block, where in it, how long. */
  #piece(at: number, to: number): [block: TailBlock, inBlock: number, length: number] {
    const block = this.#blocks[Math.floor(at / tailBlockSize) - this.#firstIndex]
    assert(block !== undefined, 'what is unwritten is in the tail')
    const inBlock = at & (tailBlockSize - 1)
    return [block, inBlock, Math.min(to - at, tailBlockSize - inBlock)]
  }
}
