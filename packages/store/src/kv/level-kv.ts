import { assert } from '@varve/pack/base'
import type { Kv, KvDamage, KvEntry, KvOperation, KvRange } from './kv.ts'
import { assertWellFormed, fullKey, keyWithin, noteKey, spaceEnd } from './kv-key.ts'
import { decodeNote, encodeNote, type KvNote } from './kv-note.ts'
import type { LevelDatabase } from './level-door.ts'
import { openValue, sealValue } from './sealed-value.ts'

/** Projections in LevelDB. */
export class LevelKv implements Kv {
  readonly kind = 'level'
  readonly reason: undefined = undefined
  readonly #database: LevelDatabase
  readonly #ownerId: string
  #note: KvNote | undefined
  #damage: KvDamage | undefined

  private constructor(database: LevelDatabase, ownerId: string) {
    this.#database = database
    this.#ownerId = ownerId
  }

  /**
   * Takes over an open database. What is there without a good note of this store is worth nothing and
   * removed.
   */
  static async over(database: LevelDatabase, storeId: string): Promise<LevelKv> {
    const kv = new LevelKv(database, storeId)
    const sealed = await database.get(noteKey)
    const text = sealed === undefined ? undefined : openValue(noteKey, sealed)
    const note = text === undefined ? undefined : decodeNote(text)
    if (note?.storeId === storeId) kv.#note = note
    else await database.clear()
    return kv
  }

  get damage(): KvDamage | undefined {
    return this.#damage
  }

  storeId(): string | undefined {
    return this.#note?.storeId
  }

  projectedTo(): number | undefined {
    return this.#note?.projectedTo
  }

  async get(space: string, key: string): Promise<string | undefined> {
    const full = this.#keyOf(space, key)
    try {
      return this.#open(full, await this.#database.get(full))
    } catch (cause) {
      this.#report(`reading ${space} failed`, cause)
      return undefined
    }
  }

  getSync(space: string, key: string): string | undefined {
    const full = this.#keyOf(space, key)
    try {
      return this.#open(full, this.#database.getSync(full))
    } catch (cause) {
      this.#report(`reading ${space} failed`, cause)
      return undefined
    }
  }

  async batch(operations: readonly KvOperation[], projectedTo: number): Promise<void> {
    assert(Number.isSafeInteger(projectedTo) && projectedTo >= 0, 'projections show the log up to an offset')
    this.#checkOpen()
    const note: KvNote = { storeId: this.#ownerId, projectedTo }
    // Chained: five times cheaper than a list of operations.
    const batch = this.#database.batch()
    for (const operation of operations) {
      const full = fullKey(operation.space, operation.key)
      assertWellFormed(operation.key)
      if (operation.kind === 'put') {
        assertWellFormed(operation.value)
        batch.put(full, sealValue(full, operation.value))
      } else {
        batch.del(full)
      }
    }
    batch.put(noteKey, sealValue(noteKey, encodeNote(note)))
    try {
      await batch.write()
    } catch (cause) {
      this.#report('writing failed', cause)
      throw cause
    }
    this.#note = note
  }

  async *range(space: string, { gte, lt, prefix = '', limit }: KvRange = {}): AsyncGenerator<KvEntry> {
    this.#checkOpen()
    const start = fullKey(space, gte !== undefined && isBefore(prefix, gte) ? gte : prefix)
    const end = lt === undefined ? spaceEnd(space) : fullKey(space, lt)
    let left = limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    try {
      for await (const [full, sealed] of this.#database.iterator({ gte: start, lt: end })) {
        const key = keyWithin(space, full)
        if (!key.startsWith(prefix)) return
        const value = this.#open(full, sealed)
        if (value === undefined) continue
        yield { key, value }
        if (--left <= 0) return
      }
    } catch (cause) {
      this.#report(`reading ${space} failed`, cause)
    }
  }

  async clear(): Promise<void> {
    this.#note = undefined
    await this.#database.clear()
    this.#damage = undefined
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  #keyOf(space: string, key: string): string {
    this.#checkOpen()
    return fullKey(space, key)
  }

  #checkOpen(): void {
    assert(this.#database.status === 'open', 'projections are used before they are closed')
  }

  #open(full: string, sealed: string | undefined): string | undefined {
    if (sealed === undefined) return undefined
    const value = openValue(full, sealed)
    if (value === undefined) this.#report('a value does not match its checksum', undefined)
    return value
  }

  #report(what: string, cause: unknown): void {
    this.#damage ??= { what, cause }
  }
}

/** In the order of UTF-8 bytes. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
}
