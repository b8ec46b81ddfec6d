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
  /** Called when every pack file has proved to be the one that control means, before any file is made. */
  readonly onProved: () => Promise<void>
  /** Builds the index file of a pack file anew; its old one is gone. */
  readonly rebuildIndex: (pack: PackToIndex) => Promise<void>
  /** Told of an index that had to be built anew although it should have been whole. */
  readonly onRebuilt: (file: string, reason: string) => void
  /** Takes each index file, oldest first. */
  readonly onIndex: (file: IndexFile) => void
  /** Takes each object of the open chunk; the record is valid during the call. */
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
  /** Where no record can be told from the next, so that it is not known what was there. */
  readonly lost: readonly LostRange[]
}
export interface LostRange {
  /** Number of the chunk. */
  readonly chunk: number
  /** Virtual offset at which it ends. */
  readonly end: number
  readonly error: VarveError<'CORRUPT'>
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
  const { fs, folder, storeId, cache, retirer, control } = o
  const packs: PackToIndex[] = []
  const segments: Segment[] = []
  for (const info of control.segments) {
    const segment = await Segment.open(fs, { folder, info, storeId, cache, retirer })
    opened.push(segment)
    segments.push(segment)
    packs.push({ kind: 'segment', number: info.number, segment })
  }
  const chunks: Chunk[] = []
  for (const { number, base, length } of control.chunks.slice(0, -1)) {
    const sealed = { number, base, length: length ?? 0 }
    const file = await openSealed(o, sealed)
    opened.push(file)
    chunks.push(new Chunk({ number, base, file }))
    packs.push({ kind: 'chunk', ...sealed })
  }
  const last = control.chunks.at(-1) as ControlChunk
  const recovered = await recover(o, last)
  const file = await openPackFile(o, last.number, { growsFrom: recovered.end - last.base })
  opened.push(file)
  chunks.push(new Chunk({ number: last.number, base: last.base, file }))
  await o.onProved()
  const indexes: IndexFile[] = []
  for (const pack of packs) {
    const index = await openIndex(o, pack)
    opened.push(index)
    indexes.unshift(index)
    o.onIndex(index)
  }
  return { chunks, segments, indexes, recovered, lost: [...lostInSealed(o, indexes), ...lostIn(recovered)] }
}

/** The index of a damaged chunk covers it up to the first range in which no record can be found. */
function lostInSealed(o: OpenPacksOptions, indexes: readonly IndexFile[]): LostRange[] {
  return o.control.chunks.flatMap(({ number, base, length }) => {
    const covered = indexes.find((index) => index.number === number)?.packLength
    if (covered === undefined || length === null || covered >= length) return []
    const error = new VarveError('CORRUPT', { file: fileName.chunk(number), offset: covered })
    return [{ chunk: number, end: base + length, error }]
  })
}

export function lostIn({ number, damage, damageCount, file, base, end }: RecoveredChunk): LostRange[] {
  const lost = damage
    .filter(({ what }) => what === 'batch')
    .map((range) => {
      const error = new VarveError('CORRUPT', { file, offset: range.start - base })
      return { chunk: number, end: range.end, error }
    })
  // There is more of it than is listed.
  const error = new VarveError('CORRUPT', { file, offset: 0 })
  return damage.length < damageCount ? [...lost, { chunk: number, end, error }] : lost
}

/** The header is proved first: another file under this name would be taken for damage record by record. */
async function openSealed(
  o: OpenPacksOptions,
  chunk: { readonly number: number; readonly base: number; readonly length: number },
): Promise<PackFile> {
  const { handle } = await openChunkFile(o.fs, o.folder, { ...chunk, storeId: o.storeId }, 'read')
  await handle.close()
  return openPackFile(o, chunk.number, { length: chunk.length })
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
  let damage: VarveError | undefined
  try {
    const found = await openWholeIndex(fs, place)
    if (found !== undefined) return found
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    damage = error
    await fs.remove(`${folder}/${name}`)
  }
  await o.rebuildIndex(pack)
  const rebuilt = await IndexFile.open(fs, place)
  if (rebuilt === undefined) throw new VarveError('CORRUPT', { file: name, offset: 0 })
  if (damage !== undefined) o.onRebuilt(name, damage.message)
  // A chunk is sealed before its index is built, a segment is never without.
  else if (pack.kind === 'segment') o.onRebuilt(name, `${name} was missing`)
  return rebuilt
}

/** All of it is proved before the first look-up: a damaged page must not be met by one. */
export async function openWholeIndex(
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
