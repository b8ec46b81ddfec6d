import { VarveError } from '../../errors/index.ts'
import { type FileSystem, hasCode, readFullySync } from '../../fs/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { type BlockCache, type FileRetirer, PackFile } from '../blocks/index.ts'
import { decodePackHeader, packHeaderSize } from '../frame/index.ts'
import type { MappedFile } from '../read/index.ts'
import { MapFile } from './map-file.ts'
import { mapDamaged, type Run } from './map-format.ts'

/** What control says of a segment. */
export interface SegmentInfo {
  readonly number: number
  /** The virtual offsets that it may hold: [low, high). */
  readonly low: number
  readonly high: number
  /** Of the pack file. */
  readonly bytes: number
  readonly objects: number
}

/** Where a segment is and what it must belong to. */
export interface SegmentPlace {
  readonly folder: string
  readonly info: SegmentInfo
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  /** Runs what an opening does without giving way, for whoever times it. */
  readonly section?: (<T>(work: () => T) => T) | undefined
}

/**
 * A part of the generation: records of one stretch of the space, and the map that finds them. Its index is
 * opened apart.
 */
export class Segment implements MappedFile {
  readonly info: SegmentInfo
  readonly file: PackFile
  readonly #map: MapFile

  private constructor(info: SegmentInfo, file: PackFile, map: MapFile) {
    this.info = info
    this.file = file
    this.#map = map
  }

  /**
   * It is opened with one user.
   * @throws CORRUPT when one of the two files is missing, damaged, or not the one control means;
   * NEWER_FORMAT; and what the file system throws
   */
  static async open(fs: FileSystem, place: SegmentPlace): Promise<Segment> {
    const { info, section = run } = place
    const file = await openFile(fs, place, 'pack', fileName.segment(info.number))
    let mapFile: PackFile | undefined
    try {
      section(() => checkPack(file, place))
      mapFile = await openFile(fs, place, 'map', fileName.segmentMap(info.number))
      const map = section(() => openMap(mapFile as PackFile, place))
      if (map.packLength !== info.bytes) throw mapDamaged(mapFile.name, 48)
      return new Segment(info, file, map)
    } catch (error) {
      mapFile?.release()
      file.release()
      throw error
    }
  }

  /**
   * The same over files that the caller has opened; it takes over their uses.
   * @throws as `open` does; then the files are released
   */
  static over(
    files: { readonly pack: PackFile; readonly map: PackFile },
    place: Pick<SegmentPlace, 'info' | 'storeId' | 'cache'>,
  ): Segment {
    try {
      checkPack(files.pack, place)
      const map = openMap(files.map, place)
      if (map.packLength !== place.info.bytes) throw mapDamaged(files.map.name, 48)
      return new Segment(place.info, files.pack, map)
    } catch (error) {
      files.map.release()
      files.pack.release()
      throw error
    }
  }

  get number(): number {
    return this.info.number
  }

  get low(): number {
    return this.info.low
  }

  get high(): number {
    return this.info.high
  }

  /** Where each virtual offset is. */
  get map(): MapFile {
    return this.#map
  }

  /** Length of the map file. */
  get mapLength(): number {
    return this.#map.file.end
  }

  /** Memory held besides the block cache. */
  get bytes(): number {
    return this.#map.bytes
  }

  locate(offset: number): number {
    return this.#map.locate(offset)
  }

  /**
   * What it holds, by ascending virtual offset.
   * @throws CORRUPT
   */
  runs(): Iterable<Run> {
    return this.#map.runs()
  }

  /**
   * Those of its runs that hold a byte of [low, high), by ascending virtual offset.
   * @throws CORRUPT
   */
  runsBetween(low: number, high: number): Run[] {
    return this.#map.runsBetween(low, high)
  }

  acquire(): void {
    this.file.acquire()
    this.#map.file.acquire()
  }

  release(): void {
    this.file.release()
    this.#map.file.release()
  }

  /** No control names it any more: its files are unlinked once their last user has released them. */
  retire(): void {
    this.file.retire()
    this.#map.file.retire()
  }
}

function run<T>(work: () => T): T {
  return work()
}

function openMap(
  file: PackFile,
  { cache, info, storeId }: Pick<SegmentPlace, 'info' | 'storeId' | 'cache'>,
): MapFile {
  return new MapFile(file, cache, { number: info.number, storeId })
}

async function openFile(
  fs: FileSystem,
  place: SegmentPlace,
  kind: 'pack' | 'map',
  name: string,
): Promise<PackFile> {
  const { folder, cache, retirer, info } = place
  try {
    return await PackFile.open(fs, { folder, name, number: info.number, kind, cache, retirer })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new VarveError(
      'CORRUPT',
      { file: name, offset: 0 },
      { message: `${name} is missing`, cause: error },
    )
  }
}

function checkPack(file: PackFile, place: Pick<SegmentPlace, 'info' | 'storeId'>): void {
  const bytes = Buffer.allocUnsafeSlow(packHeaderSize)
  const read = readFullySync(file.handle, bytes, 0, packHeaderSize, 0)
  const { number, low, bytes: length } = place.info
  const expected = { file: file.name, magic: magic.segment, number, storeId: place.storeId, base: low }
  decodePackHeader(bytes.subarray(0, read), expected)
  if (file.end !== length)
    throw new VarveError('CORRUPT', { file: file.name, offset: Math.min(file.end, length) })
}
