import { join } from 'node:path'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, type FileSystem, hasCode, readFullySync, writeFully } from '../../fs/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { decodePackHeader, encodePackHeader, type PackHeader, packHeaderSize } from './pack-header.ts'

/** A chunk's base is a multiple of this many bytes. */
export const chunkBaseAlignment = 4096

/** What control says of a chunk. */
export interface ExpectedChunk {
  readonly number: number
  readonly base: number
  readonly storeId: Buffer
  /** Of a sealed chunk: how many bytes of the file count. */
  readonly length?: number | null | undefined
}

/** An open chunk file whose header has been proved to be the one that control means. */
export interface OpenedChunkFile {
  readonly handle: FileHandle
  readonly header: PackHeader
  /** In bytes, when it was opened. */
  readonly size: number
}

/**
 * Creates a chunk file with its header, its bytes durable. Its name becomes durable only when the caller has
 * synced the folder, and the chunk part of the store only when control names it afterwards.
 * @throws what the file system throws; then nothing stays behind, unless even removing it failed
 */
export async function createChunkFile(
  fs: FileSystem,
  folder: string,
  header: PackHeader,
): Promise<FileHandle> {
  const path = join(folder, fileName.chunk(header.number))
  const handle = await fs.open(path, 'create')
  try {
    await writeFully(handle, encodePackHeader(magic.chunk, header), 0, packHeaderSize, 0)
    await handle.sync()
    return handle
  } catch (error) {
    await discardFile(fs, path, handle)
    throw error
  }
}

/**
 * Closes and removes a file that control does not name; one that stays is a leftover, deleted at the next
 * open.
 */
export async function discardFile(fs: FileSystem, path: string, handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined)
  await fs.remove(path).catch(() => undefined)
}

/**
 * Opens a chunk that control names and proves its header.
 * @throws CORRUPT when it is missing, too short, damaged, another file, or of another store; NEWER_FORMAT
 */
export async function openChunkFile(
  fs: FileSystem,
  folder: string,
  expected: ExpectedChunk,
  mode: 'read' | 'write',
): Promise<OpenedChunkFile> {
  const file = fileName.chunk(expected.number)
  const handle = await openNamed(fs, folder, file, mode)
  try {
    const bytes = Buffer.alloc(packHeaderSize)
    const length = readFullySync(handle, bytes, 0, packHeaderSize, 0)
    const header = decodePackHeader(bytes.subarray(0, length), { ...expected, file, magic: magic.chunk })
    const size = handle.sizeSync()
    if (size >= (expected.length ?? 0)) return { handle, header, size }
    const message = `${file} ends before its sealed length`
    throw new VarveError('CORRUPT', { file, offset: size }, { message })
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw error
  }
}

async function openNamed(
  fs: FileSystem,
  folder: string,
  file: string,
  mode: 'read' | 'write',
): Promise<FileHandle> {
  try {
    return await fs.open(join(folder, file), mode)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    const message = `${file} is missing, though control names it`
    throw new VarveError('CORRUPT', { file, offset: 0 }, { message, cause: error })
  }
}
