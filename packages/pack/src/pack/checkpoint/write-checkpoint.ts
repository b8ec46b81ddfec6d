import { assert, writeU64, xxh64 } from '../../base/index.ts'
import { type FileHandle, type FileSystem, writeFully } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import {
  blockBytesGoal,
  blockHeaderBytes,
  checkpointHeaderBytes,
  encodeCheckpointHeader,
  entryHeaderBytes,
} from './checkpoint-format.ts'
import { compareEntries, type MetaEntry } from './meta-entry.ts'

/** Where a checkpoint goes and what it stands for. */
export interface CheckpointPlace {
  readonly folder: string
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  /** P: the virtual offset up to which the log has been taken in. */
  readonly position: number
}

/**
 * Writes and syncs a checkpoint of the entries, which come in the order of `compareEntries`, without deleted
 * ones. Memory: one block. The folder is the caller's to sync. After a failure the file is removed, as far as
 * the disk lets it, and was synced at most once. Returns the number of entries.
 * @throws what the file system throws
 */
export async function writeCheckpoint(
  fs: FileSystem,
  place: CheckpointPlace,
  entries: Iterable<MetaEntry> | AsyncIterable<MetaEntry>,
): Promise<number> {
  const path = `${place.folder}/${fileName.checkpoint(place.number)}`
  const handle = await fs.open(path, 'create')
  try {
    const blocks = new BlockWriter(handle)
    let last: MetaEntry | undefined
    for await (const entry of entries) {
      assert(!entry.isDeleted, 'a checkpoint has no deleted entries')
      assert(last === undefined || compareEntries(last, entry) < 0, 'entries ascend')
      if (blocks.add(entry)) await blocks.flush()
      last = entry
    }
    await blocks.flush()
    const { entryCount, blockCount } = blocks
    await writeFully(
      handle,
      encodeCheckpointHeader({ ...place, entryCount, blockCount }),
      0,
      checkpointHeaderBytes,
      0,
    )
    await handle.sync()
    await handle.close()
    return entryCount
  } catch (error) {
    await Promise.allSettled([handle.close()])
    await Promise.allSettled([fs.remove(path)])
    throw error
  }
}

class BlockWriter {
  readonly #handle: FileHandle
  #entries: MetaEntry[] = []
  #length = blockHeaderBytes
  #position = checkpointHeaderBytes
  entryCount = 0
  blockCount = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** True: the block is full. */
  add(entry: MetaEntry): boolean {
    this.#entries.push(entry)
    this.#length += entryLength(entry)
    return this.#length >= blockBytesGoal
  }

  async flush(): Promise<void> {
    if (this.#entries.length === 0) return
    const block = Buffer.alloc(this.#length)
    block.writeUInt32LE(this.#length, 8)
    block.writeUInt32LE(this.#entries.length, 12)
    let at = blockHeaderBytes
    for (const entry of this.#entries) {
      writeU64(block, entry.offset, at)
      block.writeUInt16LE(entry.referenceCount, at + 8)
      block.writeUInt32LE(entry.body.length, at + 12)
      entry.body.copy(block, at + entryHeaderBytes)
      at += entryLength(entry)
    }
    block.writeBigUInt64LE(xxh64(block, 8, block.length, this.blockCount), 0)
    await writeFully(this.#handle, block, 0, block.length, this.#position)
    this.#position += block.length
    this.entryCount += this.#entries.length
    this.blockCount++
    this.#entries = []
    this.#length = blockHeaderBytes
  }
}

function entryLength(entry: MetaEntry): number {
  return entryHeaderBytes + Math.ceil(entry.body.length / 8) * 8
}
