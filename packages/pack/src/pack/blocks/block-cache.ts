import { assert } from '../../base/index.ts'
import { readFullySync } from '../../fs/index.ts'
import { Block, blockBytes, blockCost } from './block.ts'
import type { BlockSource } from './block-source.ts'
import { BlockTable } from './block-table.ts'
import { fileKey } from './file-key.ts'

/** Fewer blocks than this cannot serve one look-up (map page, index page, record across two blocks). */
const blocksMin = 8
/** Reads under way at a time when a range is loaded ahead. */
const loadsMax = 4
/**
 * So many blocks that the log has filled and nobody has read stay, as what was just written is often read
 * next; in a small cache, as many as fill this part of it. A long stream thus passes through without filling
 * the cache.
 */
const unreadMax = 64
const unreadPart = 1 / 4

/**
 * Blocks of pack, map, and index files, keyed by file and place, bounded in bytes. Eviction is CLOCK: a block
 * that was read since the hand last passed gets another round, so one long scan does not push out what is in
 * use. Pinned blocks stay whatever the bound says; who pins bounds its own pins. Belongs to one thread.
 *
 * Memory is used again only if nobody can have a view into it: the block was adopted, filled by its owner,
 * and never given to a reader.
 */
export class BlockCache {
  #bytesMax: number
  readonly #tables = new Map<number, BlockTable>()
  readonly #ring: Block[] = []
  #hand = 0
  #bytes = 0
  /** Blocks that nobody had read when they were unpinned, oldest first. */
  readonly #unread: Block[] = []

  /** @param o.bytesMax memory for blocks, their bitmaps, and the tables that find them */
  constructor(o: { readonly bytesMax: number }) {
    this.#bytesMax = atLeastMin(o.bytesMax)
  }

  get bytesMax(): number {
    return this.#bytesMax
  }

  /**
   * Gives memory back, or takes more, when others who share a budget with this cache need more or less of it.
   */
  resize(bytesMax: number): void {
    this.#bytesMax = atLeastMin(bytesMax)
    this.#makeRoom(0)
  }

  /** Memory in use, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get blockCount(): number {
    return this.#ring.length
  }

  /** The table of a file's cached blocks; made on first use. */
  table(key: number): BlockTable {
    let table = this.#tables.get(key)
    if (table === undefined) {
      table = new BlockTable(key)
      this.#tables.set(key, table)
      this.#bytes += table.bytes
    }
    return table
  }

  /**
   * The block, with at least its first `needed` bytes in it if the file has them: see `validTo`.
   * @throws what the file system throws
   */
  block(file: BlockSource, index: number, needed: number): Block {
    const place = file.table.place(index)
    if (place !== 0) {
      const block = this.#ring[place - 1] as Block
      block.isRecent = block.isShared = true
      return block.validTo >= needed ? block : this.#refresh(file, block)
    }
    return this.#load(file, index)
  }

  /** The block if it is cached and holds its first `needed` bytes. */
  peek(file: BlockSource, index: number, needed: number): Block | undefined {
    const place = file.table.place(index)
    if (place === 0) return undefined
    const block = this.#ring[place - 1] as Block
    block.isRecent = block.isShared = true
    return block.validTo >= needed ? block : undefined
  }

  /**
   * A pinned block of 64 KiB of a pack file to append to; readers see what is below `validTo` at once. Fresh
   * ones have `validTo` 0, also where the file has bytes already: the caller then reads those itself first.
   */
  adopt(fileNumber: number, index: number): Block {
    const table = this.table(fileKey(fileNumber, 'pack'))
    const place = table.place(index)
    const found = place === 0 ? undefined : this.#ring[place - 1]
    if (found === undefined) return this.#beginBlock(table, index)
    const block = found.size === blockBytes ? found : this.#widen(table, index, found)
    // It may wait among the unread ones already, and must not come there twice.
    block.isShared = true
    block.pins++
    return block
  }

  /** All bytes of the block are in its file: it may be evicted, once nobody else has it pinned. */
  unpin(block: Block): void {
    assert(block.pins > 0, 'only a pinned block is unpinned')
    block.pins--
    if (block.pins === 0 && !block.isShared) this.#unread.push(block)
  }

  /**
   * Reads the missing blocks of a range ahead, without blocking the thread. The caller keeps the file open.
   */
  async preload(file: BlockSource, range: { readonly start: number; readonly end: number }): Promise<void> {
    const size = file.table.blockBytes
    let next = Math.floor(range.start / size)
    const end = Math.min(range.end, file.end)
    const loadNext = async (): Promise<void> => {
      while (next * size < end) {
        const index = next++
        const needed = Math.min(size, end - index * size)
        if (this.peek(file, index, needed) === undefined) await this.#loadAhead(file, index)
      }
    }
    const loads = Array.from({ length: loadsMax }, loadNext)
    for (const result of await Promise.allSettled(loads))
      if (result.status === 'rejected') throw result.reason
  }

  /** Forgets a file's blocks; none of them is pinned any more. */
  forget(key: number): void {
    const table = this.#tables.get(key)
    if (table === undefined) return
    for (let place = this.#ring.length - 1; place >= 0; place--) {
      const block = this.#ring[place] as Block
      if (block.table === table) this.#removeAt(place)
    }
    this.#tables.delete(key)
    this.#bytes -= table.bytes
  }

  #load(file: BlockSource, index: number): Block {
    const block = new Block(file.table, index, blockLength(file, index))
    const from = index * file.table.blockBytes
    const length = Math.min(block.size, file.end - from)
    if (length > 0) block.validTo = readFullySync(file.handle, block.buf, 0, length, from)
    this.#insert(block)
    return block
  }

  /** The file, a pack file, has grown since the block was read. */
  #refresh(file: BlockSource, old: Block): Block {
    const length = Math.min(blockBytes, file.end - old.index * blockBytes)
    if (length <= old.validTo) return old
    assert(old.pins === 0, 'a pinned block is filled by its owner only')
    const block = old.size < length ? this.#widen(old.table, old.index, old) : old
    const position = block.index * blockBytes + block.validTo
    block.validTo += readFullySync(file.handle, block.buf, block.validTo, length - block.validTo, position)
    return block
  }

  async #loadAhead(file: BlockSource, index: number): Promise<void> {
    const block = new Block(file.table, index, blockLength(file, index))
    const from = index * file.table.blockBytes
    const length = Math.min(block.size, file.end - from)
    while (block.validTo < length) {
      const rest = length - block.validTo
      const read = await file.handle.read(block.buf, block.validTo, rest, from + block.validTo)
      if (read === 0) break
      block.validTo += read
    }
    // Somebody else may have put the block here while this read was under way.
    if (file.table.place(index) === 0) this.#insert(block)
  }

  /** For the log to fill; nobody sees its memory before it has been read. */
  #beginBlock(table: BlockTable, index: number): Block {
    const block = new Block(table, index, blockBytes, this.#unreadMemory())
    block.isShared = false
    block.pins = 1
    this.#insert(block)
    return block
  }

  /** Drops the oldest unread block when there are too many of them, and gives its memory. */
  #unreadMemory(): Buffer | undefined {
    const max = Math.min(unreadMax, (this.#bytesMax * unreadPart) / blockCost(blockBytes))
    while (this.#unread.length > max) {
      const block = this.#unread.shift() as Block
      if (block.isShared) continue
      const place = block.table.place(block.index)
      // The block may have been evicted, and another one be in its place.
      if (place !== 0 && this.#ring[place - 1] === block) this.#removeAt(place - 1)
      return block.buf
    }
    return undefined
  }

  /** A block of 64 KiB in the place of a shorter one. */
  #widen(table: BlockTable, index: number, old: Block): Block {
    assert(old.pins === 0, 'a pinned block has 64 KiB')
    const block = new Block(table, index, blockBytes)
    block.takeFrom(old)
    this.#removeAt(table.place(index) - 1)
    this.#insert(block)
    return block
  }

  #insert(block: Block): void {
    const before = block.table.bytes
    const cost = blockCost(block.size)
    this.#makeRoom(cost)
    this.#ring.push(block)
    block.table.setPlace(block.index, this.#ring.length)
    this.#bytes += cost + block.table.bytes - before
  }

  #makeRoom(cost: number): void {
    // Two rounds: the first may only take away the second chances.
    let steps = this.#ring.length * 2
    while (this.#bytes + cost > this.#bytesMax && steps-- > 0 && this.#ring.length > 0) {
      if (this.#hand >= this.#ring.length) this.#hand = 0
      const block = this.#ring[this.#hand] as Block
      if (block.pins === 0 && !block.isRecent) {
        this.#removeAt(this.#hand)
        continue
      }
      block.isRecent = false
      this.#hand++
    }
  }

  /** The ring's last block moves into the gap. */
  #removeAt(place: number): void {
    const block = this.#ring[place] as Block
    assert(block.pins === 0, 'a pinned block is not dropped')
    const last = this.#ring.pop() as Block
    if (last !== block) {
      this.#ring[place] = last
      last.table.setPlace(last.index, place + 1)
    }
    block.table.setPlace(block.index, 0)
    this.#bytes -= blockCost(block.size)
  }
}

function atLeastMin(bytesMax: number): number {
  return Math.max(bytesMax, blocksMin * blockCost(blockBytes))
}

/** A file that grows no more has a shorter last block. */
function blockLength(file: BlockSource, index: number): number {
  const size = file.table.blockBytes
  if (file.isGrowing) return size
  return Math.max(0, Math.min(size, file.end - index * size))
}
