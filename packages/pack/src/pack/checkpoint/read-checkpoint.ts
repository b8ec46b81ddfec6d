import { tryReadU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, type FileSystem, hasCode, readFully } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import { MalformedBody } from '../../objects/index.ts'
import {
  blockBytesMax,
  blockHeaderBytes,
  type CheckpointHeader,
  checkpointHeaderBytes,
  decodeCheckpointHeader,
  entryHeaderBytes,
} from './checkpoint-format.ts'
import { compareEntries, entryOf, type MetaEntry } from './meta-entry.ts'
import type { CheckpointPlace } from './write-checkpoint.ts'

/**
 * The entries of a checkpoint in order. Each block is proved before one of its entries is given out, but only
 * the end proves that none is missing: what was read counts when the iteration has ended. Memory: one block.
 * @throws CORRUPT when the file is missing, damaged, or not the one control means; NEWER_FORMAT; and what the
 * file system throws
 */
export async function* readCheckpoint(fs: FileSystem, place: CheckpointPlace): AsyncIterable<MetaEntry> {
  const file = fileName.checkpoint(place.number)
  const handle = await openCheckpoint(fs, `${place.folder}/${file}`, file)
  try {
    const header = await readHeader(handle, file, place)
    let position = checkpointHeaderBytes
    let entryCount = 0
    let last: MetaEntry | undefined
    for (let number = 0; number < header.blockCount; number++) {
      const block = await readBlock(handle, { file, position, number })
      for (const entry of entriesIn(block, { file, position })) {
        if (last !== undefined && compareEntries(last, entry) >= 0) throw corrupt(file, position)
        yield entry
        last = entry
        entryCount++
      }
      position += block.length
    }
    if (entryCount !== header.entryCount || (await handle.size()) !== position) throw corrupt(file, position)
  } finally {
    await handle.close()
  }
}

/** Lays newer changes, with deletions, over older entries; both in order, and so is what comes out. */
export async function* mergeEntries(
  older: AsyncIterable<MetaEntry>,
  changes: Iterable<MetaEntry>,
): AsyncIterable<MetaEntry> {
  const newer = changes[Symbol.iterator]()
  let next = newer.next()
  for await (const entry of older) {
    while (next.done !== true && compareEntries(next.value, entry) < 0) {
      if (!next.value.isDeleted) yield next.value
      next = newer.next()
    }
    // A change of the same key follows in the next round, in the place of this entry.
    if (next.done === true || compareEntries(next.value, entry) !== 0) yield entry
  }
  for (; next.done !== true; next = newer.next()) if (!next.value.isDeleted) yield next.value
}

async function openCheckpoint(fs: FileSystem, path: string, file: string): Promise<FileHandle> {
  try {
    return await fs.open(path, 'read')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new VarveError('CORRUPT', { file, offset: 0 }, { message: `${file} is missing`, cause: error })
  }
}

async function readHeader(
  handle: FileHandle,
  file: string,
  place: CheckpointPlace,
): Promise<CheckpointHeader> {
  const bytes = Buffer.alloc(checkpointHeaderBytes)
  const read = await readFully(handle, bytes, 0, bytes.length, 0)
  const header = decodeCheckpointHeader(bytes.subarray(0, read), file)
  const isMeant = header.number === place.number && header.position === place.position
  if (!isMeant || !header.storeId.equals(place.storeId)) throw corrupt(file, 0)
  return header
}

async function readBlock(
  handle: FileHandle,
  at: { readonly file: string; readonly position: number; readonly number: number },
): Promise<Buffer> {
  const { file, position, number } = at
  const header = Buffer.alloc(blockHeaderBytes)
  if ((await readFully(handle, header, 0, blockHeaderBytes, position)) < blockHeaderBytes)
    throw corrupt(file, position)
  const length = header.readUInt32LE(8)
  if (length < blockHeaderBytes || length > blockBytesMax) throw corrupt(file, position)
  const block = Buffer.allocUnsafeSlow(length)
  if ((await readFully(handle, block, 0, length, position)) < length) throw corrupt(file, position)
  if (xxh64(block, 8, length, number) !== block.readBigUInt64LE(0)) throw corrupt(file, position)
  return block
}

function* entriesIn(
  block: Buffer,
  place: { readonly file: string; readonly position: number },
): Iterable<MetaEntry> {
  const count = block.readUInt32LE(12)
  let at = blockHeaderBytes
  for (let i = 0; i < count; i++) {
    const entry = at + entryHeaderBytes <= block.length ? entryAt(block, at) : undefined
    if (entry === undefined || entry.isDeleted) throw corrupt(place.file, place.position + at)
    yield entry
    at += entryHeaderBytes + Math.ceil(entry.body.length / 8) * 8
  }
  if (at !== block.length) throw corrupt(place.file, place.position + at)
}

function entryAt(block: Buffer, at: number): MetaEntry | undefined {
  const offset = tryReadU64(block, at)
  const bodyStart = at + entryHeaderBytes
  const bodyEnd = bodyStart + block.readUInt32LE(at + 12)
  if (offset === undefined || offset === 0 || bodyEnd > block.length) return undefined
  try {
    return entryOf(Buffer.from(block.subarray(bodyStart, bodyEnd)), block.readUInt16LE(at + 8), offset)
  } catch (error) {
    if (error instanceof MalformedBody) return undefined
    throw error
  }
}

function corrupt(file: string, offset: number): VarveError<'CORRUPT'> {
  return new VarveError('CORRUPT', { file, offset })
}
