import type { FileSystem } from '@varve/pack/fs'
import { breakSeal, sealDatabase } from './database-seal.ts'
import type { Kv, KvDamage, KvEntry, KvOperation, KvRange } from './kv.ts'
import { type LevelDoor, loadLevel } from './level-door.ts'
import { LevelKv } from './level-kv.ts'
import { MemoryKv } from './memory-kv.ts'

const cacheBytes = 8 << 20
const writeBufferBytes = 4 << 20

export interface OpenKvOptions {
  /** Only to make and remove the folder: what LevelDB does in it goes past the seam. */
  readonly fileSystem: FileSystem
  /** A folder that nobody else uses, under the store's writer lock. */
  readonly path: string
  /** In hexadecimal digits. */
  readonly storeId: string
  readonly door?: LevelDoor
}

/**
 * Opens the projections of a store. A database that does not open is removed and made again; if that does not
 * help, or LevelDB does not load at all, the projections live in memory and `reason` says why. Never fails.
 */
export async function openKv(options: OpenKvOptions): Promise<Kv> {
  return new FallbackKv(options, await openInner(options))
}

/** Projections that never touch a disk. */
export function openMemoryKv(storeId: string): Kv {
  return new MemoryKv(storeId)
}

async function openInner(options: OpenKvOptions): Promise<LevelKv | MemoryKv> {
  const { fileSystem, path, storeId, door = loadLevel } = options
  let reason = ''
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      await fileSystem.mkdir(path)
      if (!(await breakSeal(fileSystem, path))) {
        await fileSystem.removeFolder(path)
        await fileSystem.mkdir(path)
      }
      const opened = await openOnce(door, path, storeId)
      if (opened.kind === 'level') return opened.kv
      reason = opened.reason
      if (opened.kind !== 'damaged') break
      await fileSystem.removeFolder(path)
    }
  } catch (error) {
    // The folder cannot be made or removed: a full or read-only disk, say.
    reason = error instanceof Error ? error.message : String(error)
  }
  return new MemoryKv(storeId, reason)
}

type OpenedOnce =
  | { readonly kind: 'level'; readonly kv: LevelKv }
  /** Trying again helps only against damage. */
  | { readonly kind: 'damaged' | 'hopeless'; readonly reason: string }

async function openOnce(door: LevelDoor, path: string, storeId: string): Promise<OpenedOnce> {
  const level = await door()
  if (level.kind === 'unavailable') return { kind: 'hopeless', reason: level.reason }
  const opening = await level.open(path, { cacheBytes, writeBufferBytes })
  if (opening.kind !== 'opened') {
    return { kind: opening.kind === 'failed' ? 'damaged' : 'hopeless', reason: opening.reason }
  }
  try {
    return { kind: 'level', kv: await LevelKv.over(opening.database, storeId) }
  } catch (error) {
    await opening.database.close()
    return { kind: 'damaged', reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Projections whose `clear` always helps: when LevelDB cannot even be cleared, it is made again or given up.
 */
class FallbackKv implements Kv {
  readonly #options: OpenKvOptions
  #inner: LevelKv | MemoryKv

  constructor(options: OpenKvOptions, inner: LevelKv | MemoryKv) {
    this.#options = options
    this.#inner = inner
  }

  get kind(): 'level' | 'memory' {
    return this.#inner.kind
  }

  get reason(): string | undefined {
    return this.#inner.reason
  }

  get damage(): KvDamage | undefined {
    return this.#inner.damage
  }

  storeId(): string | undefined {
    return this.#inner.storeId()
  }

  projectedTo(): number | undefined {
    return this.#inner.projectedTo()
  }

  async get(space: string, key: string): Promise<string | undefined> {
    return this.#inner.get(space, key)
  }

  getSync(space: string, key: string): string | undefined {
    return this.#inner.getSync(space, key)
  }

  async batch(operations: readonly KvOperation[], projectedTo: number): Promise<void> {
    await this.#inner.batch(operations, projectedTo)
  }

  range(space: string, range?: KvRange): AsyncIterable<KvEntry> {
    return this.#inner.range(space, range)
  }

  async clear(): Promise<void> {
    const { damage } = this.#inner
    // A database that was found damaged is not trusted to be empty because it says so.
    if (damage === undefined && (await succeeds(() => this.#inner.clear()))) return
    await succeeds(() => this.#inner.close())
    await succeeds(() => this.#options.fileSystem.removeFolder(this.#options.path))
    this.#inner = await openInner(this.#options)
  }

  async close(): Promise<void> {
    const { fileSystem, path } = this.#options
    await this.#inner.close()
    if (this.#inner.kind === 'level') await succeeds(() => sealDatabase(fileSystem, path))
  }
}

async function succeeds(act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return true
  } catch {
    return false
  }
}
