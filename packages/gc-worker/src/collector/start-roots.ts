import { Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type IndexKind, rawToHex, readHash, recordKind } from '@varve/pack/objects'
import type { IndexFile, Segment } from '@varve/pack/pack'
import type { ChunkPlace } from '../job/index.ts'
import {
  type LogVisitor,
  type LostRange,
  refuseLost,
  type ScanCounts,
  type ScannedIndex,
  scanLog,
} from '../source/index.ts'
import { LogRoots, MetadataFold, type MetadataRecord, Meter } from '../sweep/index.ts'
import { markAllFrom } from './mark-all-from.ts'
import type { Workshop } from './workshop.ts'

/**
 * Everything that holds an object below the new boundary at the start S: the metadata state there, the target
 * and all that was written after it, the log above the boundary, what is kept for its age, and what the
 * caller listed.
 *
 * What lies below the boundary and before the target is not read for it: the indexes of its chunks list
 * metadata records, touches, and bare puts. The chunk of the target is read from the target on.
 */
export class StartRoots {
  /** Pairs of offset and time: objects held for their age by files that are about to go. */
  readonly carried: Float64List = new Float64List()
  readonly #shop: Workshop
  readonly #keepFrom: number
  readonly #fold = new MetadataFold()
  readonly #log: LogRoots
  readonly #scanned: ScanCounts = { bytes: 0, records: 0 }
  #checkpoint = 0

  constructor(shop: Workshop, keepFrom: number) {
    this.#shop = shop
    this.#keepFrom = keepFrom
    this.#log = new LogRoots({
      limit: shop.job.newRetire,
      keepFrom,
      youngAfterMs: shop.job.youngAfterMs,
      mark: shop.mark,
      metadata: (record) => this.#metadata(record),
      commit: undefined,
      carried: this.carried,
      healer: shop.healer,
      reach: shop.reach,
      placeOf: (offset) => shop.source.placeOf(offset),
      count: () => {},
    })
  }

  /** File number of the checkpoint that `find` has written. */
  get checkpoint(): number {
    return this.#checkpoint
  }

  /** Marks them all. @throws CORRUPT, and what the file system throws */
  async find(): Promise<ScanCounts> {
    const { job, tables } = this.#shop
    this.#shop.pace.begin('log')
    for (const place of job.previous.chunks) await this.#fromChunk(place)
    for (const segment of this.#shop.source.space.segments as readonly Segment[]) {
      // An index that is gone takes its list along: then nothing of that file is kept for its age alone.
      await this.#shop.indexes.withSegment(segment.number, (index) => this.#youngIn(index, true))
    }
    await markAllFrom(this.#shop, this.#keepFrom, job.previous.retire)
    await this.#fromMetadata()
    if (job.target !== undefined) this.#shop.mark(job.target.offset)
    await this.#markListed()
    for (const offset of job.pins) this.#shop.mark(offset)
    await tables.marks.relieve()
    await this.#walkCommits()
    return this.#scanned
  }

  async #fromChunk(place: ChunkPlace): Promise<void> {
    const index = this.#shop.chunkIndexes.begin(place)
    if (index !== undefined) {
      await this.#scan(place, 0, alsoInto(index, this.#log))
      this.#shop.chunkIndexes.write(index)
      return
    }
    const end = place.base + place.length
    const { newRetire } = this.#shop.job
    // A chunk lies wholly below the boundary or wholly above it.
    const isListed = end <= newRetire && place.base < this.#keepFrom && (await this.#fromIndex(place))
    if (!isListed) await this.#scan(place, 0, this.#log)
    else if (end > this.#keepFrom) await this.#scan(place, this.#keepFrom, this.#log.keptOnly)
  }

  async #scan(
    place: ChunkPlace,
    skipTo: number,
    { record, damaged }: Pick<LogVisitor, 'record' | 'damaged'>,
  ): Promise<void> {
    const { job, files, tables, pace } = this.#shop
    const range = { chunks: [place], from: place.base, to: place.base + place.length, skipTo }
    const lost = (lost: LostRange): Promise<void> => this.#fromLost(lost)
    const batchEnd = async (at: number): Promise<void> => {
      await tables.marks.relieve()
      await pace.step(at - job.previous.retire, job.start - job.previous.retire)
    }
    const counts = await scanLog(files, range, { record, damaged, lost, batchEnd })
    this.#scanned.bytes += counts.bytes
    this.#scanned.records += counts.records
  }

  /** False: the index does not tell all. */
  async #fromIndex(place: ChunkPlace): Promise<boolean> {
    let isWhole = false
    await this.#shop.indexes.withChunk(place.number, async (index) => {
      isWhole = index.packLength === place.length
      if (!isWhole) return
      for (const offset of index.metadataOffsets()) this.#metadataAt(offset)
      await this.#youngIn(index, true)
    })
    return isWhole
  }

  /**
   * A batch whose records cannot be followed by their lengths: the index of the chunk knows them too. It
   * counts only if it was made before the damage, which the number of its entries proves. A touch has no
   * entry: then it does not.
   */
  async #fromLost(lost: LostRange): Promise<void> {
    const known = await this.#shop.indexes.withChunk(lost.chunk.number, async (index) => {
      await this.#fromListed(lost, index)
    })
    if (!known) refuseLost(lost)
  }

  async #fromListed(lost: LostRange, index: IndexFile): Promise<void> {
    if (lost.batch === undefined) return refuseLost(lost)
    const { start, recordCount } = lost.batch
    const isInside = (offset: number): boolean => offset >= start && offset < lost.end
    const objects: number[] = []
    index.forEach((_, offset) => {
      if (isInside(offset)) objects.push(offset)
    })
    const metadata = index.metadataOffsets().filter(isInside)
    if (objects.length + metadata.length !== recordCount) return refuseLost(lost)
    for (const offset of metadata) this.#metadataAt(offset)
    for (const offset of objects.sort((a, b) => a - b)) await this.#log.listed(offset, this.#shop.source)
    await this.#youngIn(index, lost.start < this.#shop.job.newRetire)
  }

  #metadataAt(offset: number): void {
    if (offset < this.#metadataFrom) return
    const view = this.#shop.source.reader.record(offset)
    if (view.kind !== recordKind.meta) throw new VarveError('CORRUPT', this.#shop.source.placeOf(offset))
    const { bodyStart, bodyEnd, referenceCount } = view
    this.#fold.apply({ bytes: view.buf, bodyStart, bodyEnd, referenceCount, offset })
  }

  async #youngIn(index: IndexFile, isCarried: boolean): Promise<void> {
    const { offsets, times } = index.touched()
    for (let i = 0; i < offsets.length; i++) {
      this.#shop.reach(offsets[i] as number)
      this.#log.young(offsets[i] as number, times[i] as number, isCarried)
    }
    await this.#shop.tables.marks.relieve()
  }

  get #metadataFrom(): number {
    return this.#shop.job.previous.checkpoint?.position ?? 0
  }

  #metadata(record: MetadataRecord): void {
    if (record.offset >= this.#metadataFrom) this.#fold.apply(record)
  }

  /**
   * What the caller listed is known by kind and hash: where it is damaged, any whole copy is kept instead.
   */
  async #markListed(): Promise<void> {
    const { keep, newRetire } = this.#shop.job
    const { indexes, mark, source } = this.#shop
    const hashes = Buffer.from(keep.hashes.buffer, keep.hashes.byteOffset, keep.hashes.byteLength)
    for (const [i, offset] of keep.offsets.entries()) {
      if (offset >= newRetire) continue
      const [kind, hash] = [keep.kinds[i] as IndexKind, readHash(hashes, 32 * i)]
      if (indexes.holds(offset, kind, hash)) {
        mark(offset)
        continue
      }
      await indexes.complete()
      const copy = indexes.find(kind, hash)
      if (copy === undefined) {
        throw new VarveError('CORRUPT', { ...source.placeOf(offset), hash: rawToHex(hash) })
      }
      mark(copy)
    }
  }

  async #fromMetadata(): Promise<void> {
    const { fs, files, job, numbers, mark, walk, pace } = this.#shop
    pace.begin('metadata')
    this.#checkpoint = numbers.next()
    const place = { folder: files.dir, storeId: files.storeId, number: this.#checkpoint, position: job.start }
    const ref = (offset: number): void => {
      if (job.target === undefined) walk.add(offset)
    }
    await this.#fold.write(fs, place, job.previous.checkpoint, { mark, ref })
  }

  async #walkCommits(): Promise<void> {
    if (this.#shop.job.target !== undefined) return
    const { walk, pace, clock, tables, chunkIndexes } = this.#shop
    pace.begin('commits')
    // The walk looks hashes up: an index that is there need not be collected once more.
    await chunkIndexes.settled()
    await walk.run(new Meter(clock, undefined), undefined, async () => {
      await tables.marks.relieve()
      await pace.step(0, undefined)
    })
  }
}

/** What cannot be followed is refused, as no index of the chunk tells more: then there is none to collect. */
function alsoInto(index: ScannedIndex, log: LogRoots): Pick<LogVisitor, 'record' | 'damaged'> {
  return {
    record: (record, time) => {
      index.record(record, time)
      log.record(record, time)
    },
    damaged: async (record, time) => {
      await index.damaged(record, time)
      await log.damaged(record, time)
    },
  }
}
