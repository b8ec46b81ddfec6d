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
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
