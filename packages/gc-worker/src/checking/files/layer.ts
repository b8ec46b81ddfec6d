import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode, readFullySync } from '@varve/pack/fs'
import { fileName, magic } from '@varve/pack/layout'
import { hashEquals, type IndexKind, indexKindOf, type RawHash } from '@varve/pack/objects'
import {
  AddressSpace,
  BlockCache,
  Chunk,
  decodePackHeader,
  FileRetirer,
  IndexFile,
  Location,
  type MetaEntry,
  PackFile,
  type PackHeader,
  packHeaderSize,
  RecordReader,
  readCheckpoint,
  Segment,
} from '@varve/pack/pack'
import type { ChunkPlace } from '../../job/index.ts'
import type { LayerFiles } from '../check-job.ts'
import type { Findings } from '../findings.ts'

const cacheBytes = 8 * 1024 * 1024

export interface LayerChunk {
  readonly place: ChunkPlace
  readonly file: PackFile
  /** `undefined`: it is damaged, so that batches cannot be told. */
  readonly header: PackHeader | undefined
}

/**
 * The files of one layer, all opened before anything is read, so that none that goes meanwhile is missed.
 * What cannot be opened is a finding.
 */
export class Layer {
  readonly fs: FileSystem
  readonly files: LayerFiles
  readonly storeId: Buffer
  readonly cache: BlockCache = new BlockCache({ bytesMax: cacheBytes })
  readonly retirer: FileRetirer
  readonly chunks: LayerChunk[] = []
  readonly segments: Segment[] = []
  /** By number of the pack file; those that are there. */
  readonly indexes: Map<number, PackFile> = new Map()
  /** Of the checkpoint, in order; `undefined` when there is none, or not a whole one. */
  checkpoint: readonly MetaEntry[] | undefined
  readonly reader: RecordReader
  readonly #findings: Findings
  #space: AddressSpace | undefined
  /** By number of the pack file, for look-ups of copies. */
  readonly #lookups: Map<number, IndexFile | undefined> = new Map()
  readonly #location = new Location()
  /** Records of segments that stand in for damaged ones at the same offset in a chunk. */
  readonly #standIns: Map<number, Buffer> = new Map()

  private constructor(fs: FileSystem, files: LayerFiles, findings: Findings) {
    this.fs = fs
    this.files = files
    this.storeId = Buffer.from(files.storeId, 'hex')
    this.#findings = findings
    // Nothing is unlinked here, and a file that cannot be closed after reading does no harm.
    this.retirer = new FileRetirer(fs, () => {})
    this.reader = new RecordReader(this.cache, () => this.space)
  }

  /** @throws NEWER_FORMAT, and what the file system throws but that a file is not there */
  static async open(fs: FileSystem, files: LayerFiles, findings: Findings): Promise<Layer> {
    const layer = new Layer(fs, files, findings)
    try {
      await layer.#readCheckpoint()
      for (const info of files.segments) await layer.#openSegment(info)
      for (const place of files.chunks) await layer.#openChunk(place)
      layer.#space = new AddressSpace({
        epoch: 0,
        instance: {},
        retire: files.chunks[0]?.base ?? Number.MAX_SAFE_INTEGER,
        chunks: layer.chunks.map(({ place, file }) => new Chunk({ ...place, file })),
        segments: layer.segments,
      })
      return layer
    } catch (error) {
      await layer.close()
      throw error
    }
  }

  get space(): AddressSpace {
    return this.#space as AddressSpace
  }

  /** Of the pack files that are there. */
  get bytes(): number {
    let bytes = 0
    for (const { file } of this.chunks) bytes += file.end
    for (const { info } of this.segments) bytes += info.bytes
    return bytes
  }

  /** The name that findings tell. */
  named(file: string): string {
    return this.files.prefix + file
  }

  /** Where an offset lies, for an error; `undefined`: in no file. */
  placeOf(offset: number): { readonly file: string; readonly offset: number } {
    const at = this.#location
    try {
      if (this.space.locate(offset, at) && at.file !== undefined) {
        return { file: this.named(at.file.name), offset: at.position }
      }
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
    }
    return { file: this.named('virtual address space'), offset }
  }

  /** An index that was made from the pack file itself, for look-ups of copies. */
  useIndex(number: number, bytes: Buffer): void {
    const name = fileName.chunkIndex(number)
    this.#lookups.get(number)?.release()
    this.#lookups.set(number, IndexFile.ofBytes(bytes, this.indexPlace(number, name)))
  }

  indexPlace(number: number, name: string): Parameters<typeof IndexFile.ofBytes>[1] {
    const { cache, retirer, storeId } = this
    return { folder: this.files.folder, name, number, storeId, cache, retirer }
  }

  /** The filter of that pack file's index; `undefined`: there is no whole one. */
  filterOf(number: number): Buffer | undefined {
    return this.#lookup(number)?.filter.toBytes()
  }

  /** Whether there is an index that lists all of the chunk. */
  indexCovers({ number, length }: ChunkPlace): boolean {
    return (this.#lookup(number)?.packLength ?? 0) >= length
  }

  /** The lowest whole record of the object that does not lie at `except`; `undefined` without one. */
  findCopy(kind: IndexKind, hash: RawHash, except: number): number | undefined {
    const found: number[] = []
    const numbers = [...this.files.segments, ...this.files.chunks].map(({ number }) => number)
    for (const number of numbers) {
      try {
        found.push(...(this.#lookup(number)?.candidates(kind, hash) ?? []))
      } catch (error) {
        if (!VarveError.is(error, 'CORRUPT')) throw error
      }
    }
    return found.sort((a, b) => a - b).find((offset) => offset !== except && this.holds(kind, hash, offset))
  }

  /**
   * A whole record in a segment. In a volume it may lie where a chunk has one too: that was damaged when it
   * was archived.
   */
  noteInSegment(offset: number, record: Buffer): void {
    if (offset >= (this.files.chunks[0]?.base ?? Number.MAX_SAFE_INTEGER)) {
      this.#standIns.set(offset, Buffer.from(record))
    }
  }

  get standIns(): ReadonlyMap<number, Buffer> {
    return this.#standIns
  }

  /** Whether a whole record of the object lies there. */
  holds(kind: IndexKind, hash: RawHash, offset: number): boolean {
    const standIn = this.#standIns.get(offset)
    if (standIn !== undefined) {
      return indexKindOf(standIn[8] as number) === kind && hashEquals(standIn, 16, hash)
    }
    try {
      return offset % 8 === 0 && this.reader.recordMatches(offset, kind, hash)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'COLLECTED')) return false
      throw error
    }
  }

  /** Every handle is closed when it resolves. */
  async close(): Promise<void> {
    this.#space?.release()
    for (const { file } of this.chunks) file.release()
    for (const segment of this.segments) segment.release()
    for (const file of this.indexes.values()) file.release()
    for (const index of this.#lookups.values()) index?.release()
    await this.retirer.drained()
  }

  #lookup(number: number): IndexFile | undefined {
    if (this.#lookups.has(number)) return this.#lookups.get(number)
    const file = this.indexes.get(number)
    let index: IndexFile | undefined
    if (file !== undefined) {
      file.acquire()
      index = this.#overFile(file, number)
    }
    this.#lookups.set(number, index)
    return index
  }

  #overFile(file: PackFile, number: number): IndexFile | undefined {
    try {
      return IndexFile.over(file, this.indexPlace(number, file.name))
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  async #readCheckpoint(): Promise<void> {
    const { folder, checkpoint } = this.files
    if (checkpoint === undefined) return
    const entries: MetaEntry[] = []
    try {
      const place = { folder, storeId: this.storeId, ...checkpoint }
      for await (const entry of readCheckpoint(this.fs, place)) entries.push(entry)
      this.checkpoint = entries
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      const name = fileName.checkpoint(checkpoint.number)
      if ((await this.fs.stat(`${folder}/${name}`)) === undefined) this.#noteMissing(name, false)
      else this.#findings.corrupt(this.files.prefix, error, 'the checkpoint is damaged', false)
    }
  }

  async #openSegment(info: LayerFiles['segments'][number]): Promise<void> {
    const { folder, prefix } = this.files
    const { cache, retirer, storeId } = this
    try {
      this.segments.push(await Segment.open(this.fs, { folder, info, storeId, cache, retirer }))
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      const { file } = error.details
      const isThere = (await this.fs.stat(`${folder}/${file}`)) !== undefined
      const what = 'the segment cannot be read: its header, its map, or its length is damaged'
      const finding = isThere
        ? this.#findings.corrupt(prefix, error, what, false)
        : this.#noteMissing(file, false)
      this.#findings.cover({ prefix, low: info.low, high: info.high, finding })
    }
    await this.#openIndex(info.number, fileName.segmentIndex(info.number))
  }

  async #openChunk(place: ChunkPlace): Promise<void> {
    const { number, base, length } = place
    const { prefix, unindexed } = this.files
    const name = fileName.chunk(number)
    const file = await this.#openFile(number, name, 'pack', length)
    if (file === undefined) {
      const finding = this.#noteMissing(name, false)
      this.#findings.cover({ prefix, low: base, high: base + length, finding })
    } else {
      this.chunks.push({ place, file, header: this.#headerOf(place, file) })
    }
    if (!unindexed.includes(number)) await this.#openIndex(number, fileName.chunkIndex(number))
  }

  #headerOf(place: ChunkPlace, file: PackFile): PackHeader | undefined {
    const { number, base, length } = place
    try {
      const size = file.handle.sizeSync()
      if (size < length) {
        const what = `the file ends before its ${length} bytes do`
        const finding = this.#findings.error(this.named(file.name), size, what, false)
        const { prefix } = this.files
        this.#findings.cover({ prefix, low: base + size, high: base + length, finding })
      }
      const bytes = Buffer.alloc(packHeaderSize)
      const read = readFullySync(file.handle, bytes, 0, packHeaderSize, 0)
      const expected = { file: file.name, magic: magic.chunk, number, storeId: this.storeId, base }
      return decodePackHeader(bytes.subarray(0, read), expected)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) file.release()
      this.#findings.corrupt(this.files.prefix, error, "the file's header is damaged", false)
      return undefined
    }
  }

  async #openIndex(number: number, name: string): Promise<void> {
    const file = await this.#openFile(number, name, 'idx', undefined)
    if (file === undefined) this.#noteMissing(name, true)
    else this.indexes.set(number, file)
  }

  async #openFile(
    number: number,
    name: string,
    kind: 'pack' | 'idx',
    length: number | undefined,
  ): Promise<PackFile | undefined> {
    const { cache, retirer } = this
    try {
      const part = length === undefined ? {} : { length }
      const place = { folder: this.files.folder, name, number, kind, cache, retirer, ...part }
      return await PackFile.open(this.fs, place)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  #noteMissing(file: string, isRepairable: boolean) {
    this.#findings.missing.push(this.named(file))
    return this.#findings.error(this.named(file), 0, 'the file is missing', isRepairable)
  }
}
