/** An archive whose lower layer goes away in its middle, and comes back. */
import { type Hash, type Store, VarveError } from '@varve/store'
import { expect } from 'vitest'
import {
  expectAll,
  expectExactFiles,
  type LayeredLife,
  type LifeKind,
  layeredLife,
  outcomeOf,
} from './layered-life.ts'
import { listFiles } from './list-files.ts'
import { openMemory } from './memory-store.ts'
import { type LayerPlace, layerPlaces, lowerFolder, MovableLayer, placeFolders } from './movable-layer.ts'
import { sha256 } from './read-whole.ts'

/** In which a layer can be away. */
export const ways: readonly LayerPlace[] = layerPlaces.filter((place) => place !== 'there')
const nobodys = 'ab'.repeat(32) as Hash<'commit'>
/** More operations on the lower layer than any of these collections makes. */
export const stepsMax = 200
const powerCutEvery = 4

export function openThrough(layer: MovableLayer): Promise<Store> {
  return openMemory(layer.disk, { through: layer.through })
}

/** Refusals of a collection whose lower layer is away. */
export function expectLowerFailure(failure: unknown): void {
  const isOfLower =
    VarveError.is(failure, 'LOWER_UNAVAILABLE') ||
    (VarveError.is(failure, 'GC_FAILED') && failure.details.reason === 'lower')
  if (!isOfLower) throw failure
}

/** What goes on all the same, while the layer is away. */
async function expectUpperWorks(store: Store, life: LayeredLife, layer: MovableLayer): Promise<void> {
  const main = store.branch('main')
  const head = await main.head()
  expect(await main.get('dir/file-0')).toBeDefined()
  const made = await store.branch('meanwhile').commit((edit) => void edit.set('a', `${layer.place}`))
  const committed = await main.commit((edit) => void edit.set('dir/meanwhile', layer.place))
  await main.set(head ?? committed)
  await store.branch('moved').set(head ?? committed)
  expect(await store.locate(made.hash)).toMatchObject({ state: 'present' })
  expect(await outcomeOf(() => store.getCommit(nobodys))).toBe('absent')
  expect(await store.locate(nobodys)).toEqual({ state: 'unknown' })
  const { archived } = life
  if (archived === undefined) return
  const found = await outcomeOf(() => store.getCommit(archived))
  // A copy of the layer may hold it; what was read before, memory.
  expect(['there', 'LOWER_UNAVAILABLE']).toContain(found)
  const states = found === 'there' ? ['archived', 'present'] : ['unavailable']
  expect(states).toContain((await store.locate(archived)).state)
}

/** False: there is no such step. */
async function goesAway(
  life: LayeredLife,
  at: { readonly step: number; readonly way: LayerPlace; readonly isOneFileSystem: boolean },
): Promise<boolean> {
  const layer = new MovableLayer(life.disk.clone())
  layer.isOneFileSystem = at.isOneFileSystem
  const others = await contentsOf(layer, placeFolders.other)
  let store = await openThrough(layer)
  layer.changeAt(at.step, at.way)
  const failure = await store.gc.run(life.target, { grace: 0 }).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!layer.isChanged) {
    expect(failure).toBeUndefined()
    await store.close()
    return false
  }
  if (failure !== undefined) expectLowerFailure(failure)
  if (at.way !== 'older' && at.step % powerCutEvery === 0) await losePower(life, layer, at.step)
  await expectUpperWorks(store, life, layer)
  await store.close()
  store = await openThrough(layer)
  await expectUpperWorks(store, life, layer)
  expect(await contentsOf(layer, placeFolders.other), 'what is not ours').toMatchObject(others)
  // An earlier copy that has got all of an archive has become the layer.
  const isMoved =
    failure === undefined && at.way === 'older' && (await isThere(store, [...life.commits.keys()][0]))
  if (!isMoved) layer.place = 'there'
  await store.gc.run(life.target, { grace: 0 })
  await store.close()
  store = await openThrough(layer)
  await expectAll(store, life)
  expect((await store.check({ full: true })).findings).toEqual([])
  await store.close()
  await expectExactFiles(layer.disk, placeFolders[layer.place], 'of archives')
  return true
}

/** What a power cut leaves in that moment: the layer is away when the store is opened, and comes back. */
async function losePower(life: LayeredLife, layer: MovableLayer, seed: number): Promise<void> {
  const after = new MovableLayer(layer.disk.crashImage({ keep: 'random', seed, tear: 512 }))
  after.place = layer.place
  const store = await openThrough(after)
  await expectUpperWorks(store, life, after)
  after.place = 'there'
  await store.gc.run(life.target, { grace: 0 })
  await expectAll(store, life)
  expect((await store.check({ full: true })).findings).toEqual([])
  await store.close()
  await expectExactFiles(after.disk, lowerFolder, 'of archives')
}

async function isThere(store: Store, hash: Hash<'commit'> | undefined): Promise<boolean> {
  return (await outcomeOf(() => store.getCommit(hash ?? nobodys))) === 'there'
}

async function contentsOf({ disk }: MovableLayer, folder: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {}
  for (const name of await listFiles(disk, folder)) {
    contents[name] = sha256(await disk.readFile(`${folder}/${name}`))
  }
  return contents
}

/** At each operation on the layer in turn. */
export async function everyStep(kind: LifeKind, way: LayerPlace, isOneFileSystem: boolean): Promise<void> {
  const life = await layeredLife(kind)
  for (let step = 0; step < stepsMax; step++) {
    try {
      if (!(await goesAway(life, { step, way, isOneFileSystem }))) return expect(step).toBeGreaterThan(10)
    } catch (error) {
      throw new Error(`${lowerFolder} ${way} at step ${step}: ${String(error)}`, { cause: error })
    }
  }
  expect.fail(`more than ${stepsMax} steps`)
}
