import { VarveError } from '../../errors/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import { type IndexKind, indexKind, type RawHash } from '../../objects/index.ts'
import type { ControlVolume } from '../control/index.ts'
import { type BloomFilter, hashWord, type IndexFile } from '../index/index.ts'
import type { Location, LowerCandidates, LowerCopy, LowerFiles } from '../read/index.ts'
import { readFilters } from './filter-file.ts'
import { HandlePool, type HandlePoolOptions } from './handle-pool.ts'
import { Volume, type VolumeParts } from './volume.ts'

export interface LowerSpaceOptions
  extends Omit<VolumeParts, 'pool'>,
    Pick<HandlePoolOptions, 'handlesMax' | 'clock'> {
  /** Where the filters lie: the upper layer's folder. */
  readonly fs: FileSystem
  readonly folder: string
  /** Told of a filter that cannot be used: look-ups go on without it. */
  readonly onFilterDamage?: ((error: VarveError<'CORRUPT'>) => void) | undefined
}

/**
 * The lower layer of an open store: every volume, opened when it is first asked for something, and again
 * after it was away. Belongs to one thread; nothing here awaits.
 */
export class LowerSpace {
  readonly pool: HandlePool
  /** Whether anything was found here since the store was opened. */
  wasUsed = false
  readonly #o: LowerSpaceOptions
  readonly #volumes = new Map<number, Volume>()
  /** Filters by volume, then by pack file. */
  readonly #filters = new Map<number, Map<number, BloomFilter>>()
  readonly #filtersRead = new Set<number>()
  /** Those that were told to be unusable: no look-up tries them again. */
  readonly #filtersDamaged = new Set<number>()

  constructor(o: LowerSpaceOptions) {
    this.#o = o
    this.pool = new HandlePool(o)
  }

  get path(): string {
    return this.#o.directory.path
  }

  /** The volumes that one control names, as an address space reads them. */
  view(volumes: readonly ControlVolume[]): LowerView {
    return new LowerView(this, volumes)
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT */
  volume(named: ControlVolume): Volume {
    const found = this.#volumes.get(named.id)
    if (found !== undefined) {
      if (found.named.manifest >= named.manifest || found.grow(named)) return found
      this.#volumes.delete(named.id)
      found.close()
    }
    const opened = new Volume({ ...this.#o, pool: this.pool }, named)
    this.#volumes.set(named.id, opened)
    return opened
  }

  /** False: no pack file of the volume holds such a hash. Never asks the lower layer. */
  mayHold(named: ControlVolume, hash: RawHash): boolean {
    const filters = this.#filtersOf(named)
    if (filters === undefined) return true
    const high = hashWord(hash, 0)
    const low = hashWord(hash, 4)
    for (const filter of filters.values()) if (filter.has(high, low)) return true
    return false
  }

  /** The filter of a pack file, where it is known. */
  filterOf(named: ControlVolume, pack: number): BloomFilter | undefined {
    this.#filtersOf(named)
    return this.#filters.get(named.id)?.get(pack)
  }

  close(): void {
    for (const volume of this.#volumes.values()) volume.close()
    this.#volumes.clear()
    this.pool.close()
  }

  /** `undefined`: not all of them are known. */
  #filtersOf(named: ControlVolume): ReadonlyMap<number, BloomFilter> | undefined {
    const { fs, folder, storeId } = this.#o
    // What has no filter can be anything.
    let isComplete = named.filters.length > 0 || named.bytes === 0
    const known = this.#filters.get(named.id) ?? new Map<number, BloomFilter>()
    this.#filters.set(named.id, known)
    for (const number of named.filters) {
      if (this.#filtersRead.has(number)) continue
      if (this.#filtersDamaged.has(number)) {
        isComplete = false
        continue
      }
      try {
        const place = { folder, number, storeId, volume: named.id }
        for (const { number: pack, filter } of readFilters(fs, place)) known.set(pack, filter)
        this.#filtersRead.add(number)
      } catch (error) {
        isComplete = false
        this.#filtersDamaged.add(number)
        this.#o.onFilterDamage?.(asCorrupt(error, number))
      }
    }
    return isComplete ? known : undefined
  }
}

/** Part of an address space: what lies in the volumes that one control names. */
export class LowerView implements LowerFiles {
  readonly volumes: readonly ControlVolume[]
  readonly #space: LowerSpace

  constructor(space: LowerSpace, volumes: readonly ControlVolume[]) {
    this.#space = space
    // What is asked for is more often new than old.
    this.volumes = volumes.toReversed()
  }

  get wasUsed(): boolean {
    return this.#space.wasUsed
  }

  locate(offset: number, into: Location): boolean {
    return this.volumeOf(offset, into) !== undefined
  }

  /** Fills in the same; the id of the volume. @throws as `locate` does */
  volumeOf(offset: number, into: Location): number | undefined {
    const met = new Obstacles()
    for (const named of this.volumes) {
      if (offset >= named.high) continue
      if (met.pass(() => this.#space.volume(named).locate(offset, into)) !== true) continue
      this.#space.wasUsed = true
      return named.id
    }
    if (met.failure !== undefined) throw met.failure
    return undefined
  }

  *copies(offset: number): Generator<LowerCopy, VarveError | undefined, undefined> {
    const met = new Obstacles()
    for (const named of this.volumes) {
      if (offset >= named.high) continue
      const volume = met.pass(() => this.#space.volume(named))
      for (const place of volume?.places(offset) ?? []) {
        const found = met.pass(place)
        if (found !== undefined) yield { volume: named.id, ...found }
      }
    }
    return met.failure
  }

  *candidates(kind: IndexKind, hash: RawHash): Generator<LowerCandidates, VarveError | undefined, undefined> {
    const met = new Obstacles()
    for (const named of this.volumes) {
      if (!this.#space.mayHold(named, hash)) continue
      const volume = met.pass(() => this.#space.volume(named))
      for (const pack of volume?.packs() ?? []) {
        const filter = this.#space.filterOf(named, pack)
        if (filter !== undefined && !filter.has(hashWord(hash, 0), hashWord(hash, 4))) continue
        const offsets = met.pass(() => volume?.index(pack, filter).candidates(kind, hash)) ?? []
        if (offsets.length > 0) yield { volume: named.id, offsets }
      }
    }
    return met.failure
  }

  *withPrefix(digits: string, limit: number): Generator<number, VarveError | undefined, undefined> {
    return yield* this.#fromIndexes((index) => index.withPrefix(digits, limit).map(({ offset }) => offset))
  }

  *commits(): Generator<number, VarveError | undefined, undefined> {
    return yield* this.#fromIndexes((index) => {
      const offsets: number[] = []
      index.forEach((kind, offset) => {
        if (kind === indexKind.commit) offsets.push(offset)
      })
      return offsets
    })
  }

  /** Every volume, opened. @throws LOWER_UNAVAILABLE, CORRUPT */
  opened(): Volume[] {
    return this.volumes.map((named) => this.#space.volume(named))
  }

  *#fromIndexes(
    offsetsOf: (index: IndexFile) => readonly number[],
  ): Generator<number, VarveError | undefined, undefined> {
    const met = new Obstacles()
    for (const named of this.volumes) {
      const volume = met.pass(() => this.#space.volume(named))
      for (const pack of volume?.packs() ?? []) {
        const filter = this.#space.filterOf(named, pack)
        yield* met.pass(() => volume && offsetsOf(volume.index(pack, filter))) ?? []
      }
    }
    return met.failure
  }
}

/** What stood in the way of a search that went on without it: "not there" may not be said then. */
class Obstacles {
  /** That the layer is away says less than damage does. */
  failure: VarveError | undefined

  /** What the work gives; `undefined` when the world kept it from that. @throws what is a bug */
  pass<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!VarveError.is(error)) throw error
      if (this.failure === undefined || this.failure.code === 'LOWER_UNAVAILABLE') this.failure = error
      return undefined
    }
  }
}

/** Whatever is in the way of a filter, it says nothing about the rest of the store. */
function asCorrupt(error: unknown, number: number): VarveError<'CORRUPT'> {
  if (VarveError.is(error, 'CORRUPT')) return error
  return new VarveError('CORRUPT', { file: fileName.filter(number), offset: 0 }, { cause: error })
}
