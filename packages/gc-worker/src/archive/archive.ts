/**
 * What a collection takes out of the upper layer, put into the volume that is being written:
 *
 *     files       whole, under their names, linked where that is possible, else copied, synced, and read back
 *     filters     in the upper layer: which hashes the new files do not hold
 *     manifest    the next one, complete; earlier ones stay as they are
 *     folder      synced
 *
 * Nothing of it counts before control names the manifest. What the folder holds beyond the manifest that
 * control names now was left by a collection that came to nothing, and is written again.
 */
import { VarveError } from '@varve/pack/errors'
import { type Directory, type FileSystem, FolderOpener, hasCode, LazyDirectory } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  type BloomFilter,
  type ControlVolume,
  encodeManifest,
  type PackFilter,
  readFilters,
  type VolumeManifest,
  volumeOf,
  writeFilters,
} from '@varve/pack/pack'
import { type ChunkPlace, type LowerPlace, type SegmentPlace, syncRootFolder } from '../job/index.ts'
import { FileTransfer } from './file-transfer.ts'
import { lowerFailure } from './lower-failure.ts'
import { type ArchivedFile, VolumeFolder } from './volume-folder.ts'

/** A volume with so many filter files gets its newest ones merged. */
const filterFilesMax = 16
/** Into one of this size, some 5.6 million objects: it is read at once, on the thread of the program. */
const mergedBytesMax = 2 ** 23

/** A pack file that goes into the volume. */
export interface PackToArchive {
  readonly kind: 'chunk' | 'segment'
  readonly number: number
}

/** What the archive needs of the index of a pack file. */
export interface ArchivedIndex {
  readonly filter: BloomFilter
  /** The whole index, where there is no file of it above that can be used. */
  readonly bytes: Buffer | undefined
}

export interface ArchiveOptions {
  readonly fs: FileSystem
  /** The store's folder. */
  readonly dir: string
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly lower: LowerPlace
  /** What the volume's manifest says now. */
  readonly manifest: VolumeManifest
  /** What retires: whole chunks, ascending, and, where the volume is empty, the generation. */
  readonly chunks: readonly ChunkPlace[]
  readonly segments: readonly SegmentPlace[]
  /** All sealed chunks of the upper layer. */
  readonly present: readonly ChunkPlace[]
  /** The new retire boundary. */
  readonly high: number
  readonly nextNumber: () => number
  /** 16 random bytes. */
  readonly newNonce: () => Buffer
  readonly indexOf: (pack: PackToArchive) => Promise<ArchivedIndex>
  /** Told of bytes as they are copied or linked. @throws when the collection was cancelled */
  readonly onBytes: (bytes: number) => Promise<void>
}

export class Archive {
  readonly #o: ArchiveOptions
  readonly #named: ControlVolume
  readonly #volume: VolumeFolder
  readonly #directory: Directory
  readonly #transfer: FileTransfer
  #manifest: VolumeManifest
  #filters: readonly number[]
  /** Segments that are in the manifest by now, of those that were lifted. */
  readonly #lifted = new Set<number>()
  #isBegun = false
  #bytes = 0
  #written: ControlVolume | undefined
  /** What this collection has put there: pack files, then the manifest, and the same again. */
  readonly #made: ArchivedFile[] = []
  #nextSequence = 0

  constructor(o: ArchiveOptions) {
    this.#o = o
    const named = o.lower.volumes.at(-1) as ControlVolume
    this.#named = named
    this.#directory = new LazyDirectory(new FolderOpener(o.fs, o.lower.path))
    this.#volume = new VolumeFolder(this.#directory, named, o.storeId.toString('hex'))
    this.#transfer = new FileTransfer(o.fs, this.#directory, o.onBytes)
    this.#manifest = o.manifest
    this.#filters = named.filters
  }

  /** The volume as control is to name it; `undefined`: as it does now. */
  get written(): ControlVolume | undefined {
    return this.#written
  }

  /** Of pack files that are in the volume now and were not before. */
  get bytesArchived(): number {
    return this.#bytes
  }

  /**
   * Puts everything into the volume that is not there yet, with what was lifted so far. Does nothing when
   * there is nothing.
   * @throws GC_FAILED with reason 'lower', LOWER_UNAVAILABLE, and what the upper layer's file system throws
   */
  async write(lifted: readonly SegmentPlace[]): Promise<void> {
    const chunks = this.#isBegun ? [] : this.#o.chunks
    const segments = [
      ...(this.#isBegun ? [] : this.#o.segments),
      ...lifted.filter(({ number }) => !this.#lifted.has(number)),
    ]
    if (chunks.length === 0 && segments.length === 0) return
    await this.#volume.assertMeant()
    if (!this.#isBegun) {
      const { present } = this.#o
      const differs = (name: string, length?: number): Promise<boolean> =>
        this.#transfer.differs({ ...this.#placeOf(name), length })
      const needs = { chunks, segments, present, differs }
      this.#nextSequence = await this.#volume.clear(this.#manifest, needs)
    }
    this.#isBegun = true
    // The manifest of the last time is the last of what is there.
    const from = Math.max(0, this.#made.length - 1)
    const filters: PackFilter[] = []
    for (const { number, length } of chunks) {
      await this.#take([fileName.chunk(number), length])
      const filter = await this.#takeIndex({ kind: 'chunk', number }, fileName.chunkIndex(number))
      filters.push({ number, filter })
      this.#bytes += length
    }
    for (const { number, bytes } of segments) {
      await this.#take([fileName.segment(number)], [fileName.segmentMap(number)])
      const filter = await this.#takeIndex({ kind: 'segment', number }, fileName.segmentIndex(number))
      filters.push({ number, filter })
      this.#bytes += bytes
    }
    await this.#writeFilters(filters)
    const written = await this.#writeManifest(chunks, segments)
    await this.#volume.assertMeant()
    await this.#volume.assertHolds(this.#made.slice(from))
    for (const { number } of lifted) this.#lifted.add(number)
    this.#manifest = written
    this.#written = volumeOf(written, this.#filters)
  }

  /** The collection came to nothing: what it has put there goes, as far as that can be reached now. */
  async discard(): Promise<void> {
    if (this.#made.length > 0) await this.#volume.remove(this.#made.splice(0))
  }

  async #take(...files: readonly (readonly [name: string, length?: number])[]): Promise<void> {
    await this.#volume.assertMeant()
    for (const [name, bytes] of files) {
      await this.#make({ name, bytes }, () => this.#transfer.take({ ...this.#placeOf(name), length: bytes }))
    }
  }

  async #takeIndex(pack: PackToArchive, name: string): Promise<BloomFilter> {
    const { filter, bytes } = await this.#o.indexOf(pack)
    if (bytes === undefined) await this.#take([name])
    else {
      await this.#volume.assertMeant()
      const { to } = this.#placeOf(name)
      await this.#make({ name, bytes: bytes.length }, () =>
        this.#inLower(() => this.#transfer.create(to, bytes)),
      )
    }
    return filter
  }

  #placeOf(name: string): { readonly from: string; readonly to: string } {
    return { from: `${this.#o.dir}/${name}`, to: `${this.#volume.name}/${name}` }
  }

  /** Notes what is made, also when it comes only to a part. */
  async #make(file: ArchivedFile, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const isAnothers = error instanceof Error && hasCode(error.cause, 'EEXIST')
      if (!isAnothers) this.#made.push(file)
      throw error
    }
    this.#made.push(file)
  }

  async #writeFilters(added: readonly PackFilter[]): Promise<void> {
    const { fs, dir: folder, storeId } = this.#o
    const volume = this.#named.id
    const { kept, taken } = this.#filtersToMerge(added)
    const number = this.#o.nextNumber()
    await writeFilters(fs, { folder, number, storeId, volume }, [...taken, ...added])
    await syncRootFolder(fs, folder)
    this.#filters = [...kept, number]
  }

  /** Where there are many files, the newest of them, as far as they are small, go into the next one. */
  #filtersToMerge(added: readonly PackFilter[]): {
    readonly kept: readonly number[]
    readonly taken: readonly PackFilter[]
  } {
    const kept = [...this.#filters]
    const taken: PackFilter[] = []
    if (kept.length < filterFilesMax) return { kept, taken }
    let bytes = bytesOf(added)
    for (let number = kept.at(-1); number !== undefined; number = kept.at(-1)) {
      const known = this.#tryFilters(number)
      bytes += bytesOf(known)
      // One that cannot be read stays what it is.
      if (known.length === 0 || bytes > mergedBytesMax) break
      taken.unshift(...known)
      kept.pop()
    }
    return { kept, taken }
  }

  #tryFilters(number: number): PackFilter[] {
    const { fs, dir: folder, storeId } = this.#o
    try {
      return readFilters(fs, { folder, number, storeId, volume: this.#named.id })
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || !VarveError.is(error)) return []
      throw error
    }
  }

  async #writeManifest(
    chunks: readonly ChunkPlace[],
    segments: readonly SegmentPlace[],
  ): Promise<VolumeManifest> {
    const before = this.#manifest
    const manifest: VolumeManifest = {
      ...before,
      sequence: this.#nextSequence++,
      nonce: this.#o.newNonce().toString('hex'),
      high: Math.max(before.high, this.#o.high),
      chunks: [...before.chunks, ...chunks.map(({ number, base, length }) => ({ number, base, length }))],
      segments: [...before.segments, ...segments],
    }
    const name = fileName.manifest(manifest.sequence)
    const bytes = encodeManifest(manifest)
    await this.#make({ name, bytes: bytes.length }, () =>
      this.#inLower(() => this.#transfer.create(`${this.#volume.name}/${name}`, bytes)),
    )
    await this.#inLower(() => this.#directory.sync(this.#volume.name))
    return manifest
  }

  async #inLower<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw lowerFailure(error)
    }
  }
}

function bytesOf(filters: readonly PackFilter[]): number {
  return filters.reduce((sum, { filter }) => sum + filter.bytes, 0)
}
