import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, isLeftover } from '@varve/pack/layout'
import { namedFiles, readControl } from '@varve/pack/pack'
import { MemoryFileSystem } from '@varve/pack/testing'
import type { Store, StoreEvent, WriterOptions } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect } from 'vitest'

/** Where stores in memory lie: the folder above it is there before, and durable. */
export const memoryFolder = '/disk/store'

/** A disk without a store. */
export async function emptyDisk(o: { readonly quotaBytes?: number } = {}): Promise<MemoryFileSystem> {
  const disk = new MemoryFileSystem(o)
  await disk.mkdir('/disk')
  await disk.syncFolder('/')
  return disk
}

export interface MemoryStoreOptions extends Omit<WriterOptions, 'onEvent'> {
  /** What lies between the store and the disk. Default: nothing. */
  readonly through?: FileSystem
  readonly events?: StoreEvent[]
  readonly chunkBytes?: number
}

/** Opens the store of a disk, everything on this thread. */
export function openMemory(disk: MemoryFileSystem, o: MemoryStoreOptions = {}): Promise<Store> {
  const { through = disk, events, chunkBytes, ...options } = o
  const onEvent = (event: StoreEvent): void => void events?.push(event)
  const platform = { fileSystem: through, memoryKey: disk, collectorWhere: 'inline', chunkBytes } as const
  return openStore(memoryFolder, { now: () => 1_700_000_000_000, ...options, onEvent }, platform)
}

/** Asserts, of a closed store: there is no file that control does not name, and no handle. */
export async function expectTidy(disk: MemoryFileSystem): Promise<void> {
  expect(disk.openHandles()).toEqual([])
  expect(await leftovers(disk, memoryFolder)).toEqual([])
}

/** Names of files in a store's folder that its control does not name. */
export async function leftovers(fileSystem: FileSystem, folder: string): Promise<string[]> {
  const { state } = await readControl(fileSystem, folder)
  const named = namedFiles(state)
  const names = await fileSystem.list(folder)
  return names.filter((name) => {
    const file = classifyFile(name)
    return file.kind === 'unknown' || file.kind === 'lock-owner' || isLeftover(file, named)
  })
}
