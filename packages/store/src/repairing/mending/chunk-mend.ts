/** Which bytes of a damaged chunk are known all the same. */
import { VarveError } from '@varve/pack/errors'
import { type FileHandle, type FileSystem, hasCode, readFully } from '@varve/pack/fs'
import { fileName, magic } from '@varve/pack/layout'
import {
  decodePackHeader,
  encodePackHeader,
  type OpenedChunkFile,
  openChunkFile,
  type PackHeader,
  packHeaderSize,
} from '@varve/pack/pack'
import type { ChunkPlace } from './chunk-place.ts'
import { CopiedBatches, type OpenedCopy } from './copied-batches.ts'
import type { BodySource } from './mended-record.ts'
import { OwnBatches } from './own-batches.ts'
import type { ChunkMend } from './patch.ts'
import { PatchyHandle } from './patchy-handle.ts'
import type { NamedRecord } from './reframed.ts'

export interface ChunkCopy extends ChunkPlace {
  /** Path of the store that it belongs to. */
  readonly from: string
}

export interface ChunkMendOptions {
  readonly fs: FileSystem
  readonly storeId: Buffer
  readonly chunk: ChunkPlace
  /** The same chunk elsewhere. */
  readonly copy?: ChunkCopy | undefined
  /**
   * What references say of damaged records, by their virtual offsets. `undefined`: whoever reads the chunk
   * knows already which records are behind a break in their chain.
   */
  readonly named: ReadonlyMap<number, NamedRecord> | undefined
  /** Where bodies of damaged records may be whole. */
  readonly bodyOf: BodySource | undefined
}

/**
 * Whole batches of the copy, where it is proved that they are those that were here; then, of the others, what
 * is left of them here says of itself. `undefined`: nothing can be mended.
 * @throws what the file system throws
 */
export async function chunkMend(o: ChunkMendOptions): Promise<ChunkMend | undefined> {
  const mine = await openIfThere(o.fs, pathOf(o.chunk))
  if (mine === undefined) return undefined
  try {
    const copy = o.copy && (await openCopy(o, o.copy))
    try {
      return await mendOf(o, mine, copy)
    } finally {
      await copy?.handle.close()
    }
  } finally {
    await mine.close()
  }
}

async function mendOf(
  o: ChunkMendOptions,
  mine: FileHandle,
  copy: OpenedCopy | undefined,
): Promise<ChunkMend | undefined> {
  const { chunk, named, bodyOf } = o
  const { base, length } = chunk
  const own = await ownHeader(o, mine)
  const header = own ?? copy?.header
  if (header === undefined) return undefined
  const scanned = { handle: mine, header, end: base + length }
  const isSameFile = copy?.header.nonce.equals(header.nonce) === true
  const copied = isSameFile ? await new CopiedBatches(scanned, copy).run() : undefined
  // A header that no batch proves is not the file's.
  if (own === undefined && copied?.isProved !== true) return undefined
  const lent = { start: 0, end: packHeaderSize, source: encodePackHeader(magic.chunk, header) }
  const known = [...(own === undefined ? [lent] : []), ...(copied?.patches ?? [])]
  const { patches, isAll, left, from } = await new OwnBatches(scanned, { known, named, bodyOf }).run()
  const all = [...known, ...patches].sort((a, b) => a.start - b.start)
  if (all.length === 0) return undefined
  return { patches: all, isAll, left, from: known.length > 0 ? o.copy?.from : from }
}

/** `undefined`: it is damaged. */
async function ownHeader(
  { chunk, storeId }: ChunkMendOptions,
  mine: FileHandle,
): Promise<PackHeader | undefined> {
  const { number, base } = chunk
  const bytes = Buffer.alloc(packHeaderSize)
  try {
    await readFully(mine, bytes, 0, packHeaderSize, 0)
    const expected = { number, base, storeId, file: fileName.chunk(number), magic: magic.chunk }
    return decodePackHeader(bytes, expected)
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}

function pathOf({ folder, number }: ChunkPlace): string {
  return `${folder}/${fileName.chunk(number)}`
}

async function openIfThere(fs: FileSystem, path: string): Promise<FileHandle | undefined> {
  try {
    return new PatchyHandle(await fs.open(path, 'read'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** `undefined`: it is damaged itself, or cannot be read, or is another. */
async function openCopy(o: ChunkMendOptions, copy: ChunkPlace): Promise<OpenedCopy | undefined> {
  const opened = await openIfWhole(o.fs, { ...copy, storeId: o.storeId })
  if (opened === undefined) return undefined
  const { handle, header } = opened
  return { handle, header, path: pathOf(copy), end: copy.base + copy.length }
}

/** `undefined`: its header is damaged or cannot be read, or it is gone, too short, or another. */
export async function openIfWhole(
  fs: FileSystem,
  chunk: ChunkPlace & { readonly storeId: Buffer },
): Promise<OpenedChunkFile | undefined> {
  try {
    return await openChunkFile(fs, chunk.folder, chunk, 'read')
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT') || hasCode(error, 'EIO')) return undefined
    throw error
  }
}
