import { hashCanonical, listDomain } from '../domain.ts'
import type { RawHash } from '../raw-hash.ts'
import { type ChunkEntry, contentLengthOf, encodeList, listFanOut } from './chunk-list.ts'

/** Takes list records, lowest first. */
export interface ListSink {
  /** `hash` is the list's own; the body is valid during the call. Gives the virtual offset. */
  putList(hash: RawHash, body: Buffer, referenceCount: number): number
}

export interface BigBlobBody {
  readonly body: Buffer
  readonly referenceCount: number
}

/** Builds the lists while chunks arrive: never more than 512 entries of each level in memory. */
export class ChunkListBuilder {
  readonly #sink: ListSink
  /** By level, the entries that are in no list yet. */
  readonly #levels: ChunkEntry[][] = [[]]

  constructor(sink: ListSink) {
    this.#sink = sink
  }

  /** Returns true when the entries so far have just been folded into a list record. */
  add(chunk: ChunkEntry): boolean {
    return this.#addAt(0, chunk)
  }

  /** Entries that are in no list record yet, of every level. */
  pending(): ChunkEntry[] {
    return this.#levels.flat()
  }

  /** The body of the blob's own record, over at least one chunk. */
  finish(): BigBlobBody {
    let level = 0
    while (level < this.#levels.length - 1) {
      if (this.#entries(level).length > 0) this.#fold(level)
      level++
    }
    const entries = this.#entries(level)
    return { body: encodeList(level, entries), referenceCount: entries.length }
  }

  #addAt(level: number, entry: ChunkEntry): boolean {
    const isFull = this.#entries(level).length === listFanOut
    if (isFull) this.#fold(level)
    this.#entries(level).push(entry)
    return isFull
  }

  /** The level's entries become one list, an entry of the level above. */
  #fold(level: number): void {
    const entries = this.#entries(level)
    const body = encodeList(level, entries)
    const hash = hashCanonical(listDomain, body.subarray(0, body.length - entries.length * 8))
    const offset = this.#sink.putList(hash, body, entries.length)
    const length = contentLengthOf(entries)
    entries.length = 0
    this.#addAt(level + 1, { hash, offset, length })
  }

  #entries(level: number): ChunkEntry[] {
    let entries = this.#levels[level]
    if (entries === undefined) {
      entries = []
      this.#levels.push(entries)
    }
    return entries
  }
}
