import { VarveError } from '../../errors/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import { type IndexKind, indexKind, type RawHash } from '../../objects/index.ts'
import type { ControlVolume } from '../control/index.ts'
import { type BloomFilter, hashWord, type IndexFile } from '../index/index.ts'
import type { Location, LowerCandidates, LowerFiles } from '../read/index.ts'
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
  readonly onFilterDamage?: ((error: VarveError) => void) | undefined
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
    const known = this.#filters.get(named.id) ?? new Map<number, BloomFilter>()
    this.#filters.set(named.id, known)
    for (const number of named.filters) {
      if (this.#filtersRead.has(number)) continue
      try {
        const place = { folder, number, storeId, volume: named.id }
        for (const { number: pack, filter } of readFilters(fs, place)) known.set(pack, filter)
        this.#filtersRead.add(number)
      } catch (error) {
        this.#o.onFilterDamage?.(asCorrupt(error, number))
        return undefined
      }
    }
    return known
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
    let failure: unknown
    for (const named of this.volumes) {
      if (offset >= named.high) continue
      try {
        if (!this.#space.volume(named).locate(offset, into)) continue
        this.#space.wasUsed = true
        return named.id
      } catch (error) {
        failure = worse(failure, error)
      }
    }
    if (failure !== undefined) throw failure
    return undefined
  }

  *candidates(kind: IndexKind, hash: RawHash): Generator<LowerCandidates, VarveError | undefined, undefined> {
    let failure: unknown
    for (const named of this.volumes) {
      if (!this.#space.mayHold(named, hash)) continue
      try {
        const volume = this.#space.volume(named)
        for (const pack of volume.packs()) {
          const filter = this.#space.filterOf(named, pack)
          if (filter !== undefined && !filter.has(hashWord(hash, 0), hashWord(hash, 4))) continue
          const offsets = volume.index(pack, filter).candidates(kind, hash)
          if (offsets.length > 0) yield { volume: named.id, offsets }
        }
      } catch (error) {
        failure = worse(failure, error)
      }
    }
    return failure as VarveError | undefined
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
    let failure: unknown
    for (const named of this.volumes) {
      try {
        const volume = this.#space.volume(named)
        for (const pack of volume.packs()) {
          yield* offsetsOf(volume.index(pack, this.#space.filterOf(named, pack)))
        }
      } catch (error) {
        failure = worse(failure, error)
      }
    }
    return failure as VarveError | undefined
  }
}

/** That the layer is away says less than damage would, but "not there" may not be said in either case. */
function worse(first: unknown, second: unknown): unknown {
  if (!VarveError.is(second)) throw second
  return VarveError.is(first, 'LOWER_UNAVAILABLE') || first === undefined ? second : first
}

function asCorrupt(error: unknown, number: number): VarveError {
  if (VarveError.is(error)) return error
  const file = `filter-${number}.bloom`
  return new VarveError('CORRUPT', { file, offset: 0 }, { cause: error })
}
