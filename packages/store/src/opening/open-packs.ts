/** Opens every file that control names, and finds where the open chunk's log ends. */

import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type IndexKind, indexKindOf } from '@varve/pack/objects'
import {
  type BlockCache,
  Chunk,
  type ControlChunk,
  type ControlState,
  type FileRetirer,
  IndexFile,
  openChunkFile,
  PackFile,
  type RecordCursor,
  type RecoveredChunk,
  recoverChunk,
  Segment,
} from '@varve/pack/pack'

export interface OpenPacksOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly control: ControlState
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  /** Builds the index file of a pack file anew; its old one is gone. */
  readonly rebuildIndex: (pack: PackToIndex) => Promise<void>
  /** Takes each object of the open chunk; the record is valid during the call. */
  /** Takes each index file, oldest first. */
  readonly onIndex: (file: IndexFile) => void
  readonly onOpenObject: (kind: IndexKind, record: RecordCursor) => void
}

export type PackToIndex =
  | { readonly kind: 'chunk'; readonly number: number; readonly base: number; readonly length: number }
  | { readonly kind: 'segment'; readonly number: number; readonly segment: Segment }

export interface OpenPacks {
  readonly chunks: readonly Chunk[]
  readonly segments: readonly Segment[]
  /** Newest first. */
  readonly indexes: readonly IndexFile[]
  readonly recovered: RecoveredChunk
}

/** @throws CORRUPT, NEWER_FORMAT, WRITER_FAILED, and what the file system throws; then nothing stays open */
export async function openPacks(o: OpenPacksOptions): Promise<OpenPacks> {
  const opened: { release(): void }[] = []
  try {
    return await openAll(o, opened)
  } catch (error) {
    for (const file of opened) file.release()
    throw error
  }
}

async function openAll(o: OpenPacksOptions, opened: { release(): void }[]): Promise<OpenPacks> {
  const indexes: IndexFile[] = []
  const segments: Segment[] = []
  for (const info of o.control.segments) {
    const { fs, folder, storeId, cache, retirer } = o
    const segment = await Segment.open(fs, { folder, info, storeId, cache, retirer })
    opened.push(segment)
    segments.push(segment)
    indexes.unshift(await openIndex(o, { kind: 'segment', number: info.number, segment }))
    opened.push(indexes[0] as IndexFile)
  }
  const chunks: Chunk[] = []
  for (const chunk of o.control.chunks.slice(0, -1)) {
    const length = chunk.length ?? 0
    const file = await openSealed(o, chunk, length)
    opened.push(file)
    chunks.push(new Chunk({ number: chunk.number, base: chunk.base, file }))
    indexes.unshift(await openIndex(o, { kind: 'chunk', number: chunk.number, base: chunk.base, length }))
    opened.push(indexes[0] as IndexFile)
  }
  const last = o.control.chunks.at(-1) as ControlChunk
  const recovered = await recover(o, last)
  const file = await openPackFile(o, last.number, { growsFrom: recovered.end - last.base })
  chunks.push(new Chunk({ number: last.number, base: last.base, file }))
  for (const index of [...indexes].reverse()) o.onIndex(index)
  return { chunks, segments, indexes, recovered }
}

/** The header is proved first: another file under this name would be taken for damage record by record. */
async function openSealed(o: OpenPacksOptions, chunk: ControlChunk, length: number): Promise<PackFile> {
  const { handle } = await openChunkFile(o.fs, o.folder, { ...chunk, storeId: o.storeId }, 'read')
  await handle.close()
  return openPackFile(o, chunk.number, { length })
}

function openPackFile(
  o: OpenPacksOptions,
  number: number,
  extent: { readonly length: number } | { readonly growsFrom: number },
): Promise<PackFile> {
  const { folder, cache, retirer } = o
  const name = fileName.chunk(number)
  return PackFile.open(o.fs, { folder, name, number, kind: 'pack', cache, retirer, ...extent })
}

function recover(o: OpenPacksOptions, chunk: ControlChunk): Promise<RecoveredChunk> {
  const { fs, folder, storeId } = o
  const onRecord = (record: RecordCursor): void => {
    const kind = indexKindOf(record.kind)
    if (kind !== undefined) o.onOpenObject(kind, record)
  }
  return recoverChunk({
    ...{ fs, folder, storeId, number: chunk.number, base: chunk.base, mode: 'rewrite' },
    onRecord,
    // A look-up must meet the damage instead of finding nothing.
    onDamaged: onRecord,
  })
}

/**
 * The index of a sealed file; one that is missing or damaged is built anew, never taken for "nothing there".
 */
async function openIndex(o: OpenPacksOptions, pack: PackToIndex): Promise<IndexFile> {
  const { fs, folder, storeId, cache, retirer } = o
  const name = pack.kind === 'chunk' ? fileName.chunkIndex(pack.number) : fileName.segmentIndex(pack.number)
  const place = { folder, name, number: pack.number, storeId, cache, retirer }
  const found = await openWhole(fs, place).catch(ignoreDamage)
  if (found !== undefined) return found
  if ((await fs.stat(`${folder}/${name}`)) !== undefined) await fs.remove(`${folder}/${name}`)
  await o.rebuildIndex(pack)
  const rebuilt = await IndexFile.open(fs, place)
  if (rebuilt === undefined) throw new VarveError('CORRUPT', { file: name, offset: 0 })
  return rebuilt
}

/** All of it is proved before the first look-up: a damaged page must not be met by one. */
async function openWhole(
  fs: FileSystem,
  place: Parameters<typeof IndexFile.open>[1],
): Promise<IndexFile | undefined> {
  const index = await IndexFile.open(fs, place)
  try {
    await index?.verify()
    return index
  } catch (error) {
    index?.release()
    throw error
  }
}

function ignoreDamage(error: unknown): undefined {
  if (!VarveError.is(error, 'CORRUPT')) throw error
}
