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
import { type Directory, type FileSystem, FolderOpener, LazyDirectory } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import {
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

/** A volume with more filter files than this gets one for all of them. */
const filterFilesMax = 16

/** A pack file that goes into the volume. */
export interface PackToArchive {
  readonly kind: 'chunk' | 'segment'
  readonly number: number
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
  /** The new retire boundary. */
  readonly high: number
  readonly nextNumber: () => number
  /** The filter of a pack file; its index is there when this resolves. */
  readonly filterOf: (pack: PackToArchive) => Promise<PackFilter>
  /** Told of bytes as they are copied or linked. @throws when the collection was cancelled */
  readonly onBytes: (bytes: number) => Promise<void>
}

export class Archive {
  readonly #o: ArchiveOptions
  readonly #named: ControlVolume
  readonly #volume: string
  readonly #directory: Directory
  readonly #transfer: FileTransfer
  #manifest: VolumeManifest
  #filters: readonly number[]
  /** Segments that are in the manifest by now, of those that were lifted. */
  readonly #lifted = new Set<number>()
  #isBegun = false
  #bytes = 0
  #written: ControlVolume | undefined
  /** Manifests and filter files of this collection that a later one has taken the place of, and the last. */
  readonly #made: string[] = []

  constructor(o: ArchiveOptions) {
    this.#o = o
    const named = o.lower.volumes.at(-1) as ControlVolume
    this.#named = named
    this.#volume = fileName.volume(named.id)
    this.#directory = new LazyDirectory(new FolderOpener(o.fs, o.lower.path))
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
    await this.#removeUnnamed(chunks, segments)
    const filters: PackFilter[] = []
    for (const { number, length } of chunks) {
      filters.push(await this.#o.filterOf({ kind: 'chunk', number }))
      await this.#take(fileName.chunk(number), length)
      await this.#take(fileName.chunkIndex(number))
      this.#bytes += length
    }
    for (const { number, bytes } of segments) {
      filters.push(await this.#o.filterOf({ kind: 'segment', number }))
      await this.#take(fileName.segment(number))
      await this.#take(fileName.segmentMap(number))
      await this.#take(fileName.segmentIndex(number))
      this.#bytes += bytes
    }
    await this.#writeFilters(filters)
    await this.#writeManifest(chunks, segments)
    for (const { number } of lifted) this.#lifted.add(number)
    this.#isBegun = true
  }

  /** The collection came to nothing: its manifests go, so that nobody has to wonder what they mean. */
  async discard(): Promise<void> {
    for (const name of this.#made.splice(0)) await this.#directory.remove(name).catch(() => {})
  }

  #take(name: string, length?: number): Promise<void> {
    return this.#transfer.take({ from: `${this.#o.dir}/${name}`, to: `${this.#volume}/${name}`, length })
  }

  /** What an earlier collection has left under the names that are needed now. */
  async #removeUnnamed(chunks: readonly ChunkPlace[], segments: readonly SegmentPlace[]): Promise<void> {
    const wanted = new Set([...chunks, ...segments].map(({ number }) => number))
    for (const name of await this.#inLower(() => this.#directory.list(this.#volume))) {
      const file = classifyFile(name)
      if (!('number' in file) || file.kind === 'manifest' || !wanted.has(file.number)) continue
      await this.#inLower(() => this.#directory.remove(`${this.#volume}/${name}`))
    }
  }

  async #writeFilters(added: readonly PackFilter[]): Promise<void> {
    const { fs, dir: folder, storeId } = this.#o
    const volume = this.#named.id
    const isMerged = this.#filters.length >= filterFilesMax
    const old = isMerged ? this.#knownFilters() : []
    const number = this.#o.nextNumber()
    await writeFilters(fs, { folder, number, storeId, volume }, [...old, ...added])
    await syncRootFolder(fs, folder)
    this.#filters = isMerged && old.length > 0 ? [number] : [...this.#filters, number]
  }

  /** Empty when one of them cannot be read: then they stay apart. */
  #knownFilters(): PackFilter[] {
    const { fs, dir: folder, storeId } = this.#o
    const volume = this.#named.id
    try {
      return this.#filters.flatMap((number) => readFilters(fs, { folder, number, storeId, volume }))
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || !VarveError.is(error)) return []
      throw error
    }
  }

  async #writeManifest(chunks: readonly ChunkPlace[], segments: readonly SegmentPlace[]): Promise<void> {
    const before = this.#manifest
    const manifest: VolumeManifest = {
      ...before,
      sequence: await this.#nextSequence(),
      high: Math.max(before.high, this.#o.high),
      chunks: [...before.chunks, ...chunks.map(({ number, base, length }) => ({ number, base, length }))],
      segments: [...before.segments, ...segments],
    }
    const name = `${this.#volume}/${fileName.manifest(manifest.sequence)}`
    await this.#inLower(async () => {
      this.#made.push(name)
      await this.#transfer.create(name, encodeManifest(manifest))
      await this.#directory.sync(this.#volume)
    })
    this.#manifest = manifest
    this.#written = volumeOf(manifest, this.#filters)
  }

  async #nextSequence(): Promise<number> {
    let highest = this.#manifest.sequence
    for (const name of await this.#inLower(() => this.#directory.list(this.#volume))) {
      const file = classifyFile(name)
      if (file.kind === 'manifest') highest = Math.max(highest, file.number)
    }
    return highest + 1
  }

  async #inLower<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw lowerFailure(error)
    }
  }
}
