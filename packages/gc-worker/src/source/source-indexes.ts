import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import type { IndexKind, RawHash } from '@varve/pack/objects'
import { type IndexBuilder, IndexFile, type Segment } from '@varve/pack/pack'
import type { ChunkPlace, PreviousFiles } from '../job/index.ts'
import { scanForIndex } from './chunk-index.ts'
import { scanSegmentForIndex } from './segment-records.ts'
import type { SourceSpace } from './source-space.ts'

/**
 * The indexes of the files that a collection reads. One that is missing or damaged is rebuilt in memory
 * before the first look-up by hash, and never taken for "not found". Their filters are held only once hashes
 * are looked up: for damage, and for histories.
 */
export class SourceIndexes {
  readonly #source: SourceSpace
  readonly #previous: PreviousFiles
  #complete: readonly IndexFile[] | undefined

  constructor(source: SourceSpace, previous: PreviousFiles) {
    this.#source = source
    this.#previous = previous
  }

  /** Memory held besides the block cache. */
  get bytes(): number {
    return (this.#complete ?? []).reduce((sum, index) => sum + index.bytes, 0)
  }

  /** Opens the index of a sealed chunk for that call; false: it is missing or damaged. */
  withChunk(number: number, use: (index: IndexFile) => Promise<void>): Promise<boolean> {
    return this.#with(number, fileName.chunkIndex(number), use)
  }

  /** The same for a segment. */
  withSegment(number: number, use: (index: IndexFile) => Promise<void>): Promise<boolean> {
    return this.#with(number, fileName.segmentIndex(number), use)
  }

  /** Must have resolved before `candidates`. */
  async complete(): Promise<void> {
    if (this.#complete !== undefined) return
    const all: IndexFile[] = []
    try {
      for (const place of this.#previous.chunks) all.push(await this.#chunkIndex(place))
      // What is looked up is more often new than old.
      all.reverse()
      for (const segment of this.#source.space.segments as readonly Segment[]) {
        all.push(await this.#segmentIndex(segment))
      }
      this.#complete = all
    } finally {
      if (this.#complete === undefined) for (const index of all) index.release()
    }
  }

  /** Virtual offsets where the object may be: fingerprints select, the record decides. Ascending. */
  candidates(kind: IndexKind, hash: RawHash): number[] {
    const found: number[] = []
    for (const index of this.#complete ?? []) found.push(...index.candidates(kind, hash))
    return found.length > 1 ? found.sort((a, b) => a - b) : found
  }

  /** The lowest whole record of the object, `undefined` without one. */
  find(kind: IndexKind, hash: RawHash): number | undefined {
    return this.candidates(kind, hash).find((offset) => this.holds(offset, kind, hash))
  }

  /**
   * The same, but without a whole record the place of a damaged one that may be it: whoever keeps what he
   * finds must not take damage for absence.
   */
  findEvenDamaged(kind: IndexKind, hash: RawHash): number | undefined {
    let damaged: number | undefined
    for (const offset of this.candidates(kind, hash)) {
      // Asked once: a disk that fails now may not fail a moment later.
      const state = this.#stateOf(offset, kind, hash)
      if (state === 'whole') return offset
      if (state === 'damaged') damaged ??= offset
    }
    return damaged
  }

  /** Whether a whole record of the object is there. */
  holds(offset: number, kind: IndexKind, hash: RawHash): boolean {
    return this.#stateOf(offset, kind, hash) === 'whole'
  }

  close(): void {
    for (const index of this.#complete ?? []) index.release()
    this.#complete = undefined
  }

  #stateOf(offset: number, kind: IndexKind, hash: RawHash): 'whole' | 'damaged' | 'other' {
    try {
      return this.#source.reader.recordMatches(offset, kind, hash) ? 'whole' : 'other'
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return 'damaged'
      if (VarveError.is(error, 'COLLECTED')) return 'other'
      throw error
    }
  }

  async #with(number: number, name: string, use: (index: IndexFile) => Promise<void>): Promise<boolean> {
    const index = await this.#tryOpen(number, name)
    if (index === undefined) return false
    try {
      await use(index)
    } finally {
      index.release()
    }
    return true
  }

  async #tryOpen(number: number, name: string): Promise<IndexFile | undefined> {
    try {
      return await IndexFile.open(this.#source.o.fs, this.#place(number, name))
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  async #chunkIndex(place: ChunkPlace): Promise<IndexFile> {
    const name = fileName.chunkIndex(place.number)
    const opened = await this.#tryOpen(place.number, name)
    if (opened !== undefined) return opened
    const { builder, packLength } = await scanForIndex(this.#source.o, place)
    return this.#inMemory(builder, place.number, name, packLength)
  }

  async #segmentIndex(segment: Segment): Promise<IndexFile> {
    const name = fileName.segmentIndex(segment.number)
    const opened = await this.#tryOpen(segment.number, name)
    return opened ?? this.#inMemory(scanSegmentForIndex(segment), segment.number, name, segment.info.bytes)
  }

  #inMemory(builder: IndexBuilder, number: number, name: string, packLength: number): IndexFile {
    const bytes = builder.encode({ number, storeId: this.#source.o.storeId, packLength })
    return IndexFile.ofBytes(bytes, this.#place(number, name))
  }

  #place(number: number, name: string): Parameters<typeof IndexFile.ofBytes>[1] {
    const { o, cache, retirer } = this.#source
    return { folder: o.dir, name, number, storeId: o.storeId, cache, retirer }
  }
}
