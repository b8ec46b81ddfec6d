import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import type { IndexKind, RawHash } from '@varve/pack/objects'
import { type IndexBuilder, IndexFile, type Segment } from '@varve/pack/pack'
import type { ChunkPlace, PreviousFiles } from '../job/index.ts'
import { scanForIndex } from './chunk-index.ts'
import { scanSegmentForIndex } from './segment-records.ts'
import type { SourceSpace } from './source-space.ts'

/**
 * The indexes of the files that a collection reads. Opened one by one as they are asked for; one that is
 * missing or damaged is rebuilt in memory before the first look-up by hash, and never taken for "not found".
 */
export class SourceIndexes {
  readonly #source: SourceSpace
  readonly #previous: PreviousFiles
  readonly #opened: Map<number, IndexFile | undefined> = new Map()
  #complete: IndexFile[] | undefined

  constructor(source: SourceSpace, previous: PreviousFiles) {
    this.#source = source
    this.#previous = previous
  }

  /** `undefined`: missing or damaged. */
  async ofChunk(number: number): Promise<IndexFile | undefined> {
    return this.#open(number, fileName.chunkIndex(number))
  }

  async ofSegment(number: number): Promise<IndexFile | undefined> {
    return this.#open(number, fileName.segmentIndex(number))
  }

  /** Must have resolved before `candidates`. Newest files first. */
  async complete(): Promise<void> {
    if (this.#complete !== undefined) return
    const all: IndexFile[] = []
    for (const place of this.#previous.chunks) {
      all.push((await this.ofChunk(place.number)) ?? (await this.#rebuildChunk(place)))
    }
    all.reverse()
    for (const segment of this.#source.space.segments as readonly Segment[]) {
      all.push((await this.ofSegment(segment.number)) ?? (await this.#rebuildSegment(segment)))
    }
    this.#complete = all
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

  /** Whether a whole record of the object is there. */
  holds(offset: number, kind: IndexKind, hash: RawHash): boolean {
    try {
      return this.#source.reader.recordMatches(offset, kind, hash)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'COLLECTED')) return false
      throw error
    }
  }

  close(): void {
    const all = new Set<IndexFile | undefined>([...this.#opened.values(), ...(this.#complete ?? [])])
    for (const index of all) index?.release()
    this.#opened.clear()
    this.#complete = undefined
  }

  async #open(number: number, name: string): Promise<IndexFile | undefined> {
    if (this.#opened.has(number)) return this.#opened.get(number)
    const index = await this.#tryOpen(number, name)
    this.#opened.set(number, index)
    return index
  }

  async #tryOpen(number: number, name: string): Promise<IndexFile | undefined> {
    try {
      return await IndexFile.open(this.#source.o.fs, this.#place(number, name))
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  async #rebuildChunk(place: ChunkPlace): Promise<IndexFile> {
    const { builder, packLength } = await scanForIndex(this.#source.o, place)
    return this.#inMemory(builder, place.number, fileName.chunkIndex(place.number), packLength)
  }

  async #rebuildSegment(segment: Segment): Promise<IndexFile> {
    const builder = scanSegmentForIndex(segment)
    return this.#inMemory(builder, segment.number, fileName.segmentIndex(segment.number), segment.info.bytes)
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
