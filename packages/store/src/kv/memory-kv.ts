import { assert } from '@varve/pack/base'
import type { Kv, KvEntry, KvOperation, KvRange } from './kv.ts'
import { assertWellFormed, fullKey, keyWithin, spaceEnd } from './kv-key.ts'
import type { KvNote } from './kv-note.ts'
import { SortedMap } from './sorted-map.ts'

/** Projections in memory, for where LevelDB cannot be used: the log is projected again at each open. */
export class MemoryKv implements Kv {
  readonly kind = 'memory'
  readonly reason: string | undefined
  readonly damage: undefined = undefined
  readonly #ownerId: string
  #entries = new SortedMap()
  #note: KvNote | undefined
  #isClosed = false

  constructor(storeId: string, reason?: string) {
    this.#ownerId = storeId
    this.reason = reason
  }

  storeId(): string | undefined {
    return this.#note?.storeId
  }

  projectedTo(): number | undefined {
    return this.#note?.projectedTo
  }

  async get(space: string, key: string): Promise<string | undefined> {
    return this.getSync(space, key)
  }

  getSync(space: string, key: string): string | undefined {
    this.#checkOpen()
    return this.#entries.get(binary(fullKey(space, key)))
  }

  async batch(operations: readonly KvOperation[], projectedTo: number): Promise<void> {
    this.#checkOpen()
    assert(Number.isSafeInteger(projectedTo) && projectedTo >= 0, 'projections show the log up to an offset')
    for (const operation of operations) {
      assertWellFormed(operation.key)
      if (operation.kind === 'put') assertWellFormed(operation.value)
    }
    for (const operation of operations) {
      const full = binary(fullKey(operation.space, operation.key))
      if (operation.kind === 'put') this.#entries.set(full, operation.value)
      else this.#entries.delete(full)
    }
    this.#note = { storeId: this.#ownerId, projectedTo }
  }

  async *range(space: string, { gte = '', lt, prefix = '', limit }: KvRange = {}): AsyncGenerator<KvEntry> {
    this.#checkOpen()
    const lower = [fullKey(space, prefix), fullKey(space, gte)].map(binary).sort()[1] as string
    const upper = binary(lt === undefined ? spaceEnd(space) : fullKey(space, lt))
    const entries: KvEntry[] = []
    for (const [full, value] of this.#entries.from(lower)) {
      const key = keyWithin(space, text(full))
      if (full >= upper || !key.startsWith(prefix) || entries.length >= (limit ?? entries.length + 1)) break
      entries.push({ key, value })
    }
    // All at once, so that what is written meanwhile changes nothing.
    yield* entries
  }

  async clear(): Promise<void> {
    this.#entries = new SortedMap()
    this.#note = undefined
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.clear()
  }

  #checkOpen(): void {
    assert(!this.#isClosed, 'projections are used before they are closed')
  }
}

/** A character for each byte of UTF-8, so that text compares as LevelDB's bytes do. */
function binary(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}

function text(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8')
}
