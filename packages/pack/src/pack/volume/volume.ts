import { VarveError } from '../../errors/index.ts'
import { type Directory, type FileHandle, readFullySync } from '../../fs/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { type BlockCache, type FileRetirer, PackFile, type PackFileKind } from '../blocks/index.ts'
import type { ControlSegment, ControlVolume } from '../control/index.ts'
import { type BloomFilter, IndexFile } from '../index/index.ts'
import { Chunk, type Location } from '../read/index.ts'
import { Segment } from '../segment/index.ts'
import type { HandlePool } from './handle-pool.ts'
import { decodeManifest, manifestSum, type VolumeChunk, type VolumeManifest } from './manifest.ts'
import { PooledHandle } from './pooled-handle.ts'

/** As much of the file's header as says whose it is and covers the rest by its own checksum. */
const headerBytes: Record<PackFileKind, number> = { pack: 64, map: 72, idx: 248 }
const magics: Record<PackFileKind, readonly string[]> = {
  pack: [magic.chunk, magic.segment],
  map: [magic.map],
  idx: [magic.index],
}
/** Two copies of a payload of 64 MiB, with their headers. */
const manifestBytesMax = 130 << 20

export interface VolumeParts {
  readonly directory: Directory
  readonly pool: HandlePool
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
}

/**
 * A volume as control names it: the files that its manifest lists, each opened when it is first asked for.
 * Belongs to one thread; nothing here awaits.
 */
export class Volume {
  readonly #parts: VolumeParts
  #named: ControlVolume
  #manifest: VolumeManifest
  #chunks: readonly Chunk[]
  readonly #segments = new Map<number, Segment>()
  readonly #indexes = new Map<number, IndexFile>()

  /**
   * Reads the manifest.
   * @throws LOWER_UNAVAILABLE when the volume is away or is not the one that control means, CORRUPT
   */
  constructor(parts: VolumeParts, named: ControlVolume) {
    this.#parts = parts
    this.#named = named
    this.#manifest = readManifest(parts, named)
    this.#chunks = this.manifest.chunks.map((chunk) => this.#chunk(chunk))
  }

  get named(): ControlVolume {
    return this.#named
  }

  get manifest(): VolumeManifest {
    return this.#manifest
  }

  /**
   * Goes on with a newer manifest, which lists what the older one did and more: whoever knows the older one
   * finds his files as before. False: it does not.
   * @throws as the constructor does
   */
  grow(named: ControlVolume): boolean {
    const manifest = readManifest(this.#parts, named)
    if (!continues(this.#manifest, manifest)) return false
    this.#chunks = manifest.chunks.map((chunk, i) => this.#chunks[i] ?? this.#chunk(chunk))
    this.#named = named
    this.#manifest = manifest
    return true
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks
  }

  /** All its segments, opened. @throws LOWER_UNAVAILABLE, CORRUPT */
  segments(): Segment[] {
    return this.manifest.segments.map((info) => this.#segment(info))
  }

  /**
   * Fills in where the byte at the offset lies; false when the volume does not hold it.
   * @throws LOWER_UNAVAILABLE, CORRUPT
   */
  locate(offset: number, into: Location): boolean {
    let failure: unknown
    // Where both hold it, the record in the chunk was damaged when it was archived.
    for (const info of this.manifest.segments) {
      if (offset < info.low || offset >= info.high) continue
      try {
        const segment = this.#segment(info)
        const position = segment.locate(offset)
        if (position < 0) continue
        into.file = segment.file
        into.position = position
        return true
      } catch (error) {
        // Another of its files may hold it all the same.
        failure ??= error
      }
    }
    const chunk = chunkUpTo(this.#chunks, offset)
    if (chunk === undefined || offset >= chunk.end) {
      if (failure !== undefined) throw failure
      return false
    }
    into.file = chunk.file
    into.position = offset - chunk.base
    return true
  }

  /**
   * What gives each place in it that holds the offset, or `undefined`, in the order in which `locate` looks.
   * Each may throw LOWER_UNAVAILABLE, CORRUPT.
   */
  *places(
    offset: number,
  ): Generator<() => { readonly file: PackFile; readonly position: number } | undefined, void, undefined> {
    for (const info of this.manifest.segments) {
      if (offset < info.low || offset >= info.high) continue
      yield () => {
        const segment = this.#segment(info)
        const position = segment.locate(offset)
        return position < 0 ? undefined : { file: segment.file, position }
      }
    }
    const chunk = this.#chunks.findLast(({ base }) => base <= offset)
    if (chunk === undefined || offset >= chunk.end) return
    yield () => ({ file: chunk.file, position: offset - chunk.base })
  }

  /** Numbers of its pack files, what is newest first. */
  packs(): number[] {
    const { chunks, segments } = this.manifest
    return [...chunks.map(({ number }) => number).reverse(), ...segments.map(({ number }) => number)]
  }

  /** @param filter its filter, where that is known. @throws LOWER_UNAVAILABLE, CORRUPT */
  index(number: number, filter?: BloomFilter): IndexFile {
    let index = this.#indexes.get(number)
    if (index === undefined) {
      const isChunk = this.manifest.chunks.some((chunk) => chunk.number === number)
      const name = isChunk ? fileName.chunkIndex(number) : fileName.segmentIndex(number)
      const { storeId, cache, retirer } = this.#parts
      const file = this.#file(name, number, 'idx')
      index = IndexFile.over(file, { folder: this.#folder, name, number, storeId, cache, retirer, filter })
      this.#indexes.set(number, index)
    }
    return index
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT: what stands in the way of reading it now */
  assertThere(): void {
    readManifest(this.#parts, this.named)
  }

  close(): void {
    for (const index of this.#indexes.values()) index.release()
    for (const segment of this.#segments.values()) segment.release()
    for (const { file } of this.#chunks) file.release()
    this.#indexes.clear()
    this.#segments.clear()
    this.#chunks = []
  }

  #chunk({ number, base, length }: VolumeChunk): Chunk {
    return new Chunk({ number, base, file: this.#file(fileName.chunk(number), number, 'pack', length) })
  }

  get #folder(): string {
    return `${this.#parts.directory.path}/${fileName.volume(this.named.id)}`
  }

  #segment(info: ControlSegment): Segment {
    let segment = this.#segments.get(info.number)
    if (segment === undefined) {
      const { storeId, cache } = this.#parts
      const pack = this.#file(fileName.segment(info.number), info.number, 'pack')
      let map: PackFile
      try {
        map = this.#file(fileName.segmentMap(info.number), info.number, 'map')
      } catch (error) {
        pack.release()
        throw error
      }
      segment = Segment.over({ pack, map }, { info, storeId, cache })
      this.#segments.set(info.number, segment)
    }
    return segment
  }

  #file(inVolume: string, number: number, kind: PackFileKind, length?: number): PackFile {
    const { pool, cache, retirer, storeId } = this.#parts
    const { id } = this.named
    const name = `${fileName.volume(id)}/${inVolume}`
    let header: Buffer | undefined
    const handle = new PooledHandle(pool, {
      name,
      verify: (opened) => {
        header = verifyOwner(opened, { name, number, kind, storeId, header })
      },
      assertVolumeThere: () => this.assertThere(),
    })
    const folder = this.#parts.directory.path
    const extent = length === undefined ? {} : { length }
    return PackFile.over(handle, { folder, name, number, kind, volume: id, cache, retirer, ...extent })
  }
}

/** The last chunk that does not begin above the offset. */
function chunkUpTo(chunks: readonly Chunk[], offset: number): Chunk | undefined {
  let from = -1
  let to = chunks.length
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if ((chunks[middle] as Chunk).base <= offset) from = middle
    else to = middle
  }
  return chunks[from]
}

/** Whether the second manifest lists the files of the first in their order, before all others. */
function continues(first: VolumeManifest, second: VolumeManifest): boolean {
  const isFirst = (a: readonly object[], b: readonly object[]): boolean =>
    a.every((file, i) => JSON.stringify(file) === JSON.stringify(b[i]))
  return isFirst(first.chunks, second.chunks) && isFirst(first.segments, second.segments)
}

/**
 * The manifest that control means.
 * @throws LOWER_UNAVAILABLE when it is not there to be read, or another one is; CORRUPT, NEWER_FORMAT
 */
export function readManifest(
  { directory, storeId }: Pick<VolumeParts, 'directory' | 'storeId'>,
  named: ControlVolume,
): VolumeManifest {
  const name = `${fileName.volume(named.id)}/${fileName.manifest(named.manifest)}`
  const away = (why: string, cause?: unknown): VarveError => {
    const { path } = directory
    const message = `The lower layer at ${path} cannot be used: ${why}`
    return new VarveError('LOWER_UNAVAILABLE', { path }, { message, cause })
  }
  let bytes: Buffer
  try {
    bytes = readWhole(directory, name)
  } catch (error) {
    if (VarveError.is(error)) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw away(`${name} cannot be read (${why})`, error)
  }
  const manifest = decodeManifest(bytes, name)
  if (manifest.storeId !== storeId.toString('hex')) throw away(`${name} belongs to another store`)
  const isMeant = manifest.id === named.id && manifestSum(manifest) === named.checksum
  if (!isMeant) throw away(`${name} is not the one that this store has written`)
  return manifest
}

function readWhole(directory: Directory, name: string): Buffer {
  const handle = directory.openSync(name, 'read')
  try {
    const size = handle.sizeSync()
    if (size > manifestBytesMax) throw new VarveError('CORRUPT', { file: name, offset: manifestBytesMax })
    const bytes = Buffer.allocUnsafeSlow(size)
    return bytes.subarray(0, readFullySync(handle, bytes, 0, bytes.length, 0))
  } finally {
    handle.closeSync()
  }
}

/**
 * The header of a file that has just been opened, if that is the one that is meant: of this store, and still
 * the one that it was when it was opened before, as what was read from that is remembered.
 * @throws CORRUPT
 */
function verifyOwner(
  handle: FileHandle,
  file: {
    readonly name: string
    readonly number: number
    readonly kind: PackFileKind
    readonly storeId: Buffer
    /** Found before. */
    readonly header: Buffer | undefined
  },
): Buffer {
  const { name, kind } = file
  const header = Buffer.alloc(headerBytes[kind])
  const isWhole = readFullySync(handle, header, 0, header.length, 0) === header.length
  const idAt = kind === 'pack' ? 32 : 16
  const isOurs =
    isWhole &&
    magics[kind].includes(header.toString('latin1', 0, 8)) &&
    header.readUInt32LE(12) === file.number &&
    header.subarray(idAt, idAt + 16).equals(file.storeId) &&
    (file.header === undefined || header.equals(file.header))
  if (!isOurs) throw new VarveError('CORRUPT', { file: name, offset: 0 })
  return header
}
