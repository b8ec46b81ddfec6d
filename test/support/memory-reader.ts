import type { Clock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { ReaderOptions, ReadOnlyStore, StoreEvent } from '@varve/store'
import { openReadOnly } from '@varve/store/internal'
import { memoryFolder } from './memory-store.ts'
import { Unwritable } from './unwritable.ts'

export interface MemoryReaderOptions {
  /** What lies between the reader and the disk. Default: nothing. */
  readonly through?: FileSystem
  readonly follow?: boolean
  readonly clock?: Clock
  readonly cacheBytes?: number
}

/** A store in memory, opened only to read, over a disk that refuses to be written. */
export class MemoryReader {
  readonly store: ReadOnlyStore
  readonly disk: Unwritable
  readonly events: readonly StoreEvent[]

  private constructor(store: ReadOnlyStore, disk: Unwritable, events: readonly StoreEvent[]) {
    this.store = store
    this.disk = disk
    this.events = events
  }

  static async open(memory: MemoryFileSystem, o: MemoryReaderOptions = {}): Promise<MemoryReader> {
    const { through = memory, follow = false, clock, cacheBytes } = o
    const disk = new Unwritable(through)
    const events: StoreEvent[] = []
    const onEvent = (event: StoreEvent): void => void events.push(event)
    const options: ReaderOptions = { readOnly: true, follow, onEvent, cacheBytes }
    const store = await openReadOnly(memoryFolder, options, { fileSystem: disk.fileSystem, clock })
    return new MemoryReader(store, disk, events)
  }

  /** What it was told but for reloads. */
  told(): StoreEvent[] {
    return this.events.filter(({ type }) => type !== 'reloaded')
  }
}
