import { VarveError } from '@varve/pack/errors'
import { type FileHandle, type FileSystem, FolderOpener, hasCode, LazyDirectory } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  AddressSpace,
  BlockCache,
  Chunk,
  CopyReader,
  FileRetirer,
  type IndexEntries,
  Location,
  LowerSpace,
  type LowerView,
  type OffsetSpace,
  openChunkFile,
  PackFile,
  type PackHeader,
  RecordCache,
  RecordReader,
  type ScanMemory,
  Segment,
  type Volume,
} from '@varve/pack/pack'
import type { ChunkPlace, LowerPlace, PreviousFiles } from '../job/index.ts'

/** For look-ups besides the sweep: pages of maps and indexes, commits, damaged records' copies. */
const cacheBytes = 20 * 1024 * 1024
/** Of small records that lie far apart: metadata, commits. */
const recordBytes = 4 * 1024 * 1024

export interface SourceOptions {
  readonly fs: FileSystem
  readonly dir: string
  readonly storeId: Buffer
  /** For scans, one at a time. Default: each has its own. */
  readonly memory?: ScanMemory | undefined
  /** For the building of indexes, one at a time. Default: each has its own. */
  readonly entries?: IndexEntries | undefined
}

/**
 * The files of the store as they were when the collection started, opened for reading on this thread. What is
 * appended later is read through `openChunk` by the rounds. Volumes are opened when something is looked for
 * in them.
 */
export class SourceSpace {
  readonly o: SourceOptions
  /** The upper layer. */
  readonly space: AddressSpace
  readonly lower: LowerView | undefined
  /** Reads from both layers. */
  readonly reader: RecordReader
  /** Reads from volumes only. */
  readonly below: CopyReader
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly #records: RecordCache
  readonly #location = new Location()

  readonly #lowerSpace: LowerSpace | undefined

  private constructor(
    files: SourceOptions & Pick<SourceSpace, 'cache' | 'retirer' | 'space'>,
    place: LowerPlace | undefined,
  ) {
    const { cache, retirer, space, ...o } = files
    this.o = o
    this.cache = cache
    this.retirer = retirer
    this.space = space
    this.#records = new RecordCache({ bytesMax: recordBytes })
    this.#lowerSpace = place === undefined ? undefined : lowerSpace(o, { cache, retirer }, place.path)
    const lower = this.#lowerSpace?.view(place?.volumes ?? [])
    this.lower = lower
    const both: OffsetSpace = {
      locate: (offset, into) => space.locate(offset, into) || (lower?.locate(offset, into) ?? false),
    }
    this.reader = new RecordReader(cache, () => both, this.#records)
    this.below = new CopyReader(cache, () => lower)
  }

  /** @throws CORRUPT when a file is missing or not the one that is meant, NEWER_FORMAT */
  static async open(o: SourceOptions, previous: PreviousFiles): Promise<SourceSpace> {
    const cache = new BlockCache({ bytesMax: cacheBytes })
    // Nothing is unlinked here, and a file that cannot be closed after reading does no harm.
    const retirer = new FileRetirer(o.fs, () => {})
    const chunks: Chunk[] = []
    const segments: Segment[] = []
    try {
      for (const place of previous.chunks) chunks.push(await openForReading(o, { ...place, cache, retirer }))
      for (const info of previous.segments) {
        segments.push(await Segment.open(o.fs, { folder: o.dir, info, storeId: o.storeId, cache, retirer }))
      }
      const retire = previous.retire
      const space = new AddressSpace({ epoch: 0, instance: {}, retire, chunks, segments })
      return new SourceSpace({ ...o, cache, retirer, space }, previous.lower)
    } finally {
      // The space holds its own uses; those of a failed opening end here.
      for (const chunk of chunks) chunk.file.release()
      for (const segment of segments) segment.release()
    }
  }

  /** Memory held by the cache. */
  get memoryBytes(): number {
    return this.cache.bytes + this.#records.bytes
  }

  /** Where an offset lies, for an error: in a file if one holds it, else in the address space as a whole. */
  placeOf(offset: number): { readonly file: string; readonly offset: number } {
    const at = this.#location
    if (!this.space.locate(offset, at) || at.file === undefined)
      return { file: 'virtual address space', offset }
    return { file: at.file.name, offset: at.position }
  }

  /** The volume that is written to, opened. @throws LOWER_UNAVAILABLE, CORRUPT */
  lastVolume(): Volume | undefined {
    const named = this.lower?.volumes[0]
    return named === undefined ? undefined : this.#lowerSpace?.volume(named)
  }

  /** Every handle is closed when it resolves. */
  async close(): Promise<void> {
    this.space.release()
    this.#lowerSpace?.close()
    await this.retirer.drained()
  }
}

function lowerSpace(
  { fs, dir, storeId }: SourceOptions,
  caches: { readonly cache: BlockCache; readonly retirer: FileRetirer },
  path: string,
): LowerSpace {
  const directory = new LazyDirectory(new FolderOpener(fs, path))
  return new LowerSpace({ ...caches, fs, folder: dir, storeId, directory })
}

/** A chunk file's proved header and its handle, which the caller closes. */
export async function openChunk(
  o: SourceOptions,
  place: ChunkPlace,
): Promise<{ readonly handle: FileHandle; readonly header: PackHeader }> {
  return openChunkFile(o.fs, o.dir, { ...place, storeId: o.storeId }, 'read')
}

async function openForReading(
  o: SourceOptions,
  place: ChunkPlace & { readonly cache: BlockCache; readonly retirer: FileRetirer },
): Promise<Chunk> {
  const name = fileName.chunk(place.number)
  const { number, cache, retirer } = place
  let file: PackFile
  try {
    // Bytes behind the accepted end, if any, are nobody's.
    file = await PackFile.open(o.fs, {
      folder: o.dir,
      name,
      number,
      kind: 'pack',
      cache,
      retirer,
      growsFrom: place.length,
    })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new VarveError('CORRUPT', { file: name, offset: 0 }, { cause: error })
  }
  file.stopGrowing()
  return new Chunk({ number, base: place.base, file })
}
