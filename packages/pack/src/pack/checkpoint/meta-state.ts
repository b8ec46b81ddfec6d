import type { MetaReference } from '../../objects/index.ts'
import { entryOf, type MetaEntry, referencesOf } from './meta-entry.ts'
import { MetaTable } from './meta-table.ts'

/** A metadata record as it was read. */
export interface MetaRecord {
  readonly buf: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly referenceCount: number
  readonly offset: number
}

/**
 * The metadata state: what all metadata records up to some place in the log amount to. Records are absolute,
 * and of two for one key the one with the higher offset stands.
 */
export class MetaState {
  readonly #keepsDeleted: boolean
  readonly #tables = new Map<number, MetaTable>()

  /**
   * @param o.keepsDeleted deletions stay as entries: for changes that are still to be laid over a checkpoint
   */
  constructor(o: { readonly keepsDeleted?: boolean } = {}) {
    this.#keepsDeleted = o.keepsDeleted ?? false
  }

  get size(): number {
    let size = 0
    for (const table of this.#tables.values()) size += table.size
    return size
  }

  /**
   * Applies a record; copies its body.
   * @throws MalformedBody when the body is none of a metadata record: the caller knows file and place
   */
  apply(record: MetaRecord): void {
    const body = Buffer.from(record.buf.subarray(record.bodyStart, record.bodyEnd))
    this.put(entryOf(body, record.referenceCount, record.offset))
  }

  /** The same for an entry that a checkpoint had. */
  put(entry: MetaEntry): void {
    const table = this.#table(entry.table)
    const present = table.get(entry.key)
    if (present !== undefined && present.offset > entry.offset) return
    if (entry.isDeleted && !this.#keepsDeleted) table.delete(entry.key)
    else table.set(entry)
  }

  /** @param key as `MetaEntry.key` has it */
  get(table: number, key: string): MetaEntry | undefined {
    return this.#tables.get(table)?.get(key)
  }

  /**
   * A table's entries by ascending key, those that begin with the prefix. The state is not changed meanwhile.
   */
  iterate(table: number, prefix: string = ''): Iterable<MetaEntry> {
    return this.#tables.get(table)?.iterate(prefix) ?? []
  }

  /** All entries, by table and key. */
  *entries(): Iterable<MetaEntry> {
    const tables = [...this.#tables.keys()].sort((a, b) => a - b)
    for (const table of tables) yield* this.iterate(table)
  }

  /** What all entries refer to, an object as often as it is named. */
  *references(): Iterable<MetaReference> {
    for (const table of this.#tables.values()) {
      for (const entry of table.iterate('')) yield* referencesOf(entry)
    }
  }

  #table(number: number): MetaTable {
    let table = this.#tables.get(number)
    if (table === undefined) {
      table = new MetaTable()
      this.#tables.set(number, table)
    }
    return table
  }
}
