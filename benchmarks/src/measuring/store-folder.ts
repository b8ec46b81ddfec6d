import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Commit, Store } from '@varve/store'

/**
 * How every store is opened. A commit resolves once it is in its file, not synced, as the reference has it;
 * the caches are as large as by default.
 */
export const storeOptions = { durability: 'flush', author: 'bench', cacheBytes: 64 * 2 ** 20 } as const

export function openStore(folder: string): Promise<Store> {
  return Store.open(folder, storeOptions)
}

/** The head of the one branch that all workloads write. */
export async function headOf(store: Store): Promise<Commit> {
  const head = await store.branch('main').head()
  if (head === undefined) throw new Error('the store is empty')
  return head
}

/** Of all files. */
export function totalBytes(folder: string): number {
  return sizeOf(filesIn(folder))
}

/** Of those that hold objects, without indexes and projections. */
export function packBytes(folder: string): number {
  return sizeOf(filesIn(folder).filter((file) => file.endsWith('.pack')))
}

export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

function sizeOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0)
}
