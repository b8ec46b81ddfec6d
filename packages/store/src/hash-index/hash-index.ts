/**
 * The one path of hash look-ups: the table of the open chunk, the tables of sealed chunks that still wait for
 * their index file, the index files of sealed chunks and segments, newest first, and then, for whoever reads,
 * those of the volumes. Fingerprints select, the
 * full hash in the record decides. What is in no layer is not in the store; a layer goes when its pack file
 * goes.
 */
import { VarveError } from '@varve/pack/errors'
import { type IndexKind, indexKind, indexKindOf, type RawHash, rawToHex } from '@varve/pack/objects'
import {
  type CopyReader,
  HashTable,
  hashWord,
  type IndexEntries,
  type IndexFile,
  type RecordReader,
  type RecordView,
} from '@varve/pack/pack'
import { LowerSearch } from './lower-search.ts'

/** Records of an unsorted table looked at between two yields. */
const RECORDS_PER_SLICE = 1_024

/** What has the same kind and hash, wherever it lies. */
export interface IndexHit {
  readonly kind: IndexKind
  readonly offset: number
  readonly hash: RawHash
}

interface TableLayer {
  readonly chunk: number
  readonly base: number
  readonly table: HashTable
  /** Objects by index kind. */
  readonly counts: Record<IndexKind, number>
}

export class HashIndex {
  readonly #records: RecordReader
  readonly #below: CopyReader | undefined
  readonly #lower: LowerSearch
  /** The last one is the open chunk's; the others belong to sealed chunks without an index file. */
  #tables: TableLayer[] = []
  #files: IndexFile[] = []
  /** Pack files with ranges in which no record can be told from the next, by number. */
  readonly #lost = new Map<number, VarveError>()

  /** @param below reads from volumes, if there are any */
  constructor(records: RecordReader, below?: CopyReader) {
    this.#records = records
    this.#below = below
    this.#lower = new LowerSearch(below)
  }

  /** Sealed chunks that still wait for their index file. */
  get backlog(): number {
    return Math.max(0, this.#tables.length - 1)
  }

  /** Numbers of the sealed chunks that still wait for their index file, oldest first. */
  waiting(): number[] {
    return this.#tables.slice(0, -1).map((layer) => layer.chunk)
  }

  files(): readonly IndexFile[] {
    return this.#files
  }

  /**
   * A range of a pack file is damaged so that it is not known what was in it: from now on, what is not found
   * is not known to be absent.
   */
  noteLost(pack: number, error: VarveError): void {
    this.#lost.set(pack, error)
  }

  /**
   * Begins the table of the chunk that is now appended to. It is made for as many objects as the last one
   * has: to grow it means to place every object anew.
   */
  beginTable(chunk: number, base: number, seed: number): void {
    const counts = { 1: 0, 2: 0, 3: 0, 4: 0 }
    const table = new HashTable({ seed, capacity: this.#tables.at(-1)?.table.count ?? 0 })
    this.#tables = [...this.#tables, { chunk, base, table, counts }]
  }

  /** Takes a record that has just been appended to the open chunk. */
  add(kind: IndexKind, hash: RawHash, offset: number): void {
    const open = this.#open()
    open.counts[kind]++
    open.table.add(hash, offset - open.base)
  }

  /** The same for a record that lies in a buffer. */
  addBytes(kind: IndexKind, buf: Buffer, at: { readonly hashStart: number; readonly offset: number }): void {
    const open = this.#open()
    open.counts[kind]++
    open.table.addBytes(buf, at.hashStart, at.offset - open.base)
  }

  /** The same for all of these entries. */
  addAll({ count, columns: { kinds, high, low, offsets } }: IndexEntries): void {
    const { base, counts, table } = this.#open()
    for (let i = 0; i < count; i++) {
      counts[kinds[i] as IndexKind]++
      table.addWords(high[i] as number, low[i] as number, (offsets[i] as number) - base)
    }
  }

  /** Objects of one kind in all layers; one that was put twice counts twice. */
  count(kind: IndexKind): number {
    let count = 0
    for (const layer of this.#tables) count += layer.counts[kind]
    for (const file of this.#files) count += file.objectCount(kind)
    return count
  }

  /** An index file takes the place of the chunk's table. */
  attach(file: IndexFile): void {
    this.#tables = this.#tables.filter((layer) => layer.chunk !== file.number)
    this.#files = [file, ...this.#files]
  }

  /** Drops the layers of files that are no longer part of the store, and takes those of new ones. */
  replace(change: { readonly gone: ReadonlySet<number>; readonly added: readonly IndexFile[] }): IndexFile[] {
    const gone = this.#files.filter((file) => change.gone.has(file.number))
    // What a collection has kept is older than the chunks that stay.
    this.#files = [...this.#files.filter((file) => !change.gone.has(file.number)), ...change.added]
    this.#tables = this.#tables.filter((layer) => !change.gone.has(layer.chunk))
    for (const pack of change.gone) this.#lost.delete(pack)
    return gone
  }

  /** The newest whole copy in the upper layer, or 0. A damaged copy counts as none. */
  findWhole(kind: IndexKind, hash: RawHash): number {
    // Most of what is put is new, and nearly always no layer knows even the first words of its hash.
    return this.#mayHold(hashWord(hash, 0), hashWord(hash, 4)) ? this.#search(kind, hash, 0).offset : 0
  }

  /**
   * The newest whole copy in any layer, or 0.
   * @throws CORRUPT when there are copies and all of them are damaged, or when there may have been one where
   * nothing can be read any more; LOWER_UNAVAILABLE when there may be one in a volume that is away
   */
  find(kind: IndexKind, hash: RawHash): number {
    const { offset, damage } = this.#search(kind, hash, 0)
    if (offset !== 0) return offset
    const below = this.#lower.find(kind, hash, 0)
    if (below.offset === 0) this.#throwDamage(damage ?? below.failure)
    return below.offset
  }

  /** A whole copy that is not at `offset`, or 0: for an object whose record there is damaged. */
  findOther(kind: IndexKind, hash: RawHash, offset: number): number {
    const found = this.#search(kind, hash, offset).offset
    return found === 0 ? this.#lower.find(kind, hash, offset).offset : found
  }

  /**
   * Offsets of the commits that lie at or above a position, in no order, in the upper layer. What is asked
   * about a pack file, by its number, says whether any can be there.
   */
  *commitsFrom(position: number, mayHold: (pack: number) => boolean): Generator<number, void, undefined> {
    for (const file of this.#files) {
      if (!mayHold(file.number)) continue
      const offsets: number[] = []
      file.forEach((kind, offset) => {
        if (kind === indexKind.commit && offset >= position) offsets.push(offset)
      })
      yield* offsets
    }
    for (const layer of this.#tables) {
      for (const relative of layer.table.offsets()) {
        const offset = layer.base + relative
        if (offset >= position && this.#isCommit(offset)) yield offset
      }
    }
  }

  /** Offsets of the commits in volumes, as far as they can be asked; then what stood in the way of more. */
  archivedCommits(): Generator<number, VarveError | undefined, undefined> {
    return this.#lower.commits()
  }

  /**
   * Objects whose hash begins with these hex digits (at least 7), each once; stops after `limit`. The tables
   * of open chunks are not sorted: yields between slices of their records.
   * @throws CORRUPT, LOWER_UNAVAILABLE as `find` does
   */
  *withPrefix(hexPrefix: string, limit: number): Generator<void, IndexHit[], undefined> {
    const hits = new Map<string, IndexHit>()
    let damage: VarveError | undefined
    const take = (offset: number): boolean => {
      const hit = this.#hitAt(offset)
      if (VarveError.is(hit)) {
        damage = hit
        return true
      }
      if (hit !== undefined && rawToHex(hit.hash).startsWith(hexPrefix)) hits.set(hit.kind + hit.hash, hit)
      return hits.size < limit
    }
    for (const file of this.#files) {
      for (const candidate of file.withPrefix(hexPrefix, limit))
        if (!take(candidate.offset)) return [...hits.values()]
    }
    for (const layer of this.#tables) {
      let left = RECORDS_PER_SLICE
      for (const relative of layer.table.offsets()) {
        if (!take(layer.base + relative)) return [...hits.values()]
        if (--left > 0) continue
        left = RECORDS_PER_SLICE
        yield
      }
    }
    const below = this.#lower.withPrefix(hexPrefix, limit)
    for (let step = below.next(); ; step = below.next()) {
      if (step.done === true) {
        damage ??= step.value
        break
      }
      if (!take(step.value)) break
    }
    if (hits.size === 0) this.#throwDamage(damage)
    return [...hits.values()]
  }

  #throwDamage(damage: VarveError | undefined): void {
    if (damage !== undefined) throw damage
    for (const error of this.#lost.values()) throw error
  }

  #isCommit(offset: number): boolean {
    const hit = this.#hitAt(offset)
    return hit !== undefined && !VarveError.is(hit) && hit.kind === indexKind.commit
  }

  #open(): TableLayer {
    return this.#tables[this.#tables.length - 1] as TableLayer
  }

  #mayHold(high: number, low: number): boolean {
    const tables = this.#tables
    for (let at = tables.length - 1; at >= 0; at--)
      if ((tables[at] as TableLayer).table.firstOf(high, low) >= 0) return true
    const files = this.#files
    for (let at = 0; at < files.length; at++) if ((files[at] as IndexFile).mayHold(high, low)) return true
    return false
  }

  #search(
    kind: IndexKind,
    hash: RawHash,
    except: number,
  ): { offset: number; damage: VarveError | undefined } {
    let damage: VarveError | undefined
    for (let at = this.#tables.length - 1; at >= 0; at--) {
      const { table, base } = this.#tables[at] as TableLayer
      for (let slot = table.first(hash); slot >= 0; slot = table.next(slot)) {
        const offset = base + table.offsetAt(slot)
        if (offset === except) continue
        const match = this.#match(offset, kind, hash)
        if (match === true) return { offset, damage }
        damage = match === false ? damage : match
      }
    }
    for (const file of this.#files) {
      for (const offset of file.candidates(kind, hash)) {
        if (offset === except) continue
        const match = this.#match(offset, kind, hash)
        if (match === true) return { offset, damage }
        damage = match === false ? damage : match
      }
    }
    return { offset: 0, damage }
  }

  #match(offset: number, kind: IndexKind, hash: RawHash): boolean | VarveError {
    try {
      return this.#records.recordMatches(offset, kind, hash)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return error
      throw error
    }
  }

  #hitAt(offset: number): IndexHit | VarveError | undefined {
    try {
      const record = this.#recordAt(offset)
      const kind = indexKindOf(record.kind)
      return kind === undefined ? undefined : { kind, offset, hash: record.hash }
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'LOWER_UNAVAILABLE')) return error
      // Between two slices a collection may have dropped it.
      if (VarveError.is(error, 'COLLECTED')) return undefined
      throw error
    }
  }

  /** What is damaged above may be whole in a volume. */
  #recordAt(offset: number): RecordView {
    try {
      return this.#records.record(offset)
    } catch (error) {
      const copy = VarveError.is(error, 'CORRUPT') ? this.#copyBelow(offset) : undefined
      if (copy === undefined) throw error
      return copy
    }
  }

  #copyBelow(offset: number): RecordView | undefined {
    try {
      return this.#below?.record(offset)
    } catch (error) {
      if (VarveError.is(error)) return undefined
      throw error
    }
  }
}
