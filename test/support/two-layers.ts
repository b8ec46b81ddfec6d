import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Store } from '@varve/store'
import { emptyDisk, openMemory } from './memory-store.ts'
import { seededBytes } from './seeded-bytes.ts'

export const lowerFolder = '/disk/lower'

/**
 * A small store with a file of every kind in both layers: volumes with chunks and segments, filters, a
 * generation, a checkpoint, a sealed chunk, and an open one. Closed.
 * @param o.bigBytes length of one blob in pieces; 0: there is none
 */
export async function makeTwoLayers(o: { readonly bigBytes: number }): Promise<MemoryFileSystem> {
  const disk = await emptyDisk()
  const store = await openMemory(disk, { lower: lowerFolder })
  const made: Commit[] = []
  for (let at = 0; at < 6; at++) made.push(await commit(store, at))
  if (o.bigBytes > 0) await store.branch('main').commit((e) => void e.set('big', seededBytes(1, o.bigBytes)))
  await store.gc.run(made[4], { grace: 0 })
  // Heads that reach into a volume: the next collection copies them up.
  await store.branch('old').set(made[1] as Commit)
  await store.branch('mixed').commit((edit) => void edit.setTree('x', (made[2] as Commit).tree()))
  await store.advanced.addVolume()
  for (let at = 6; at < 9; at++) made.push(await commit(store, at))
  await store.gc.run(made[7], { grace: 0 })
  await store.tag('v1').create(made[8] as Commit, { message: 'first' })
  await store.advanced.split()
  await commit(store, 9)
  await store.branch('older').set(made[0] as Commit)
  await store.close()
  return disk
}

async function commit(store: Store, at: number): Promise<Commit> {
  return store.branch('main').commit((edit) => {
    for (let i = 0; i < 6; i++) edit.set(`d${(at + i) % 4}/f${i}`, `content ${at} ${i}`)
  })
}
