import { classifyFile, fileName } from '@varve/pack/layout'
import { decodeManifest, readControl } from '@varve/pack/pack'
import type { MemoryFileSystem } from '@varve/pack/testing'
import { type Commit, type Hash, type Store, VarveError } from '@varve/store'
import { expect } from 'vitest'
import { listFiles } from './list-files.ts'
import { emptyDisk, leftovers, memoryFolder, openMemory } from './memory-store.ts'
import { lowerFolder, placeFolders } from './movable-layer.ts'
import { readCommit, type WholeTree } from './read-whole.ts'

export const lifeKinds = ['first', 'further', 'generation', 'lifted'] as const
/**
 * What the next collection archives: the first chunks of a store; more of them, into a volume that has some;
 * a generation too, of a store that got its lower layer late; also what a branch needs out of an older
 * volume.
 */
export type LifeKind = (typeof lifeKinds)[number]

/** A closed store with a lower layer, before a collection that archives. */
export interface LayeredLife {
  readonly disk: MemoryFileSystem
  /** Every commit ever made, with its whole tree. */
  readonly commits: ReadonlyMap<Hash<'commit'>, WholeTree>
  /** Of the collection to come. */
  readonly target: Hash<'commit'>
  /** Of a commit that rests in a volume only, if there is one. */
  readonly archived: Hash<'commit'> | undefined
}

export async function layeredLife(kind: LifeKind): Promise<LayeredLife> {
  const disk = await emptyDisk()
  await disk.mkdir(placeFolders.emptied)
  await live(disk, kind, 'another store')
  await disk.rename(memoryFolder, '/disk/another-store')
  await disk.rename(lowerFolder, placeFolders.other)
  return live(disk, kind, 'this store')
}

async function live(disk: MemoryFileSystem, kind: LifeKind, what: string): Promise<LayeredLife> {
  const lower = kind === 'generation' ? undefined : lowerFolder
  let store = await openMemory(disk, { lower })
  const commits = new Map<Hash<'commit'>, WholeTree>()
  const made: Commit[] = []
  const commit = async (branch: string, count: number): Promise<Commit> => {
    for (let i = 0; i < count; i++) {
      const at = made.length
      const done = await store
        .branch(branch)
        .commit((edit) => void edit.set(`dir/file-${at % 5}`, `${what}: content ${at}`))
      made.push(done)
      commits.set(done.hash, (await readCommit(store, done.hash)) as WholeTree)
    }
    return made.at(-1) as Commit
  }
  const first = await commit('main', 3)
  await store.advanced.split()
  await commit('side', 1)
  let target = await commit('main', 1)
  await commit('main', 2)
  let archived: Commit | undefined
  if (kind !== 'first') {
    if (kind !== 'generation') await copyLayer(disk, placeFolders.older)
    await store.gc.run(target, { grace: 0 })
    if (kind !== 'generation') archived = first
    // Without a lower layer what is older is gone.
    for (const hash of commits.keys()) if ((await readCommit(store, hash)) === undefined) commits.delete(hash)
    if (kind === 'lifted') {
      await store.advanced.addVolume()
      await store.branch('old').set(first)
      await store.branch('older').commit((edit) => void edit.setTree('under', (made[1] as Commit).tree()))
      await commit('older', 1)
    }
    target = await commit('main', 2)
    await commit('main', 2)
  }
  await store.close()
  if (lower === undefined) {
    store = await openMemory(disk, { lower: lowerFolder })
    await store.close()
  }
  if (kind === 'first' || kind === 'generation') await copyLayer(disk, placeFolders.older)
  return { disk, commits, target: target.hash, archived: archived?.hash }
}

/** The lower layer as it is now, in another folder, durable. */
async function copyLayer(disk: MemoryFileSystem, to: string): Promise<void> {
  if ((await disk.stat(to)) !== undefined) await disk.removeFolder(to)
  await disk.mkdir(to)
  for (const name of await listFiles(disk, lowerFolder)) {
    const path = `${to}/${name}`
    await disk.mkdir(path.slice(0, path.lastIndexOf('/')))
    const bytes = await disk.readFile(`${lowerFolder}/${name}`)
    const handle = await disk.open(path, 'create')
    await handle.write(bytes, 0, bytes.length, 0)
    await handle.sync()
    await handle.close()
  }
}

/** Every commit ever made can be read by its hash, with its whole tree. */
export async function expectAll(store: Store, { commits }: Pick<LayeredLife, 'commits'>): Promise<void> {
  for (const [hash, tree] of commits) expect(await readCommit(store, hash), hash).toEqual(tree)
}

/**
 * Of a closed store: both layers hold exactly what control names. `stale`: in a volume there may also be what
 * the manifest of an archive names that came to nothing.
 */
export async function expectExactFiles(
  disk: MemoryFileSystem,
  lower: string,
  stale: 'none' | 'of archives' = 'none',
): Promise<void> {
  expect(disk.openHandles()).toEqual([])
  expect(await leftovers(disk, memoryFolder)).toEqual([])
  const { state } = await readControl(disk, memoryFolder)
  const wanted: string[] = []
  const allowed: string[] = []
  for (const volume of state.volumes) {
    const folder = `${lower}/${fileName.volume(volume.id)}`
    for (const name of await disk.list(folder)) {
      const file = classifyFile(name)
      if (file.kind !== 'manifest' || file.number > volume.manifest) continue
      if (file.number === volume.manifest) wanted.push(...(await filesOf(disk, folder, name)))
      else if (stale === 'none') allowed.push(`${folder}/${name}`)
      else allowed.push(`${folder}/${name}`, ...(await filesOf(disk, folder, name).catch(() => [])))
    }
  }
  const found = (await listFiles(disk, lower)).map((name) => `${lower}/${name}`)
  expect(found).toEqual(expect.arrayContaining(wanted))
  expect([...wanted, ...allowed]).toEqual(expect.arrayContaining(found))
}

/** A manifest and the files that it names, which are there and as long as it says if control names it. */
async function filesOf(disk: MemoryFileSystem, folder: string, name: string): Promise<string[]> {
  const manifest = decodeManifest(await disk.readFile(`${folder}/${name}`), name)
  const names = [
    name,
    ...manifest.chunks.flatMap(({ number }) => [fileName.chunk(number), fileName.chunkIndex(number)]),
    ...manifest.segments.flatMap(({ number }) => [
      ...[fileName.segment(number), fileName.segmentMap(number), fileName.segmentIndex(number)],
    ]),
  ]
  for (const { number, length } of manifest.chunks) {
    const size = (await disk.stat(`${folder}/${fileName.chunk(number)}`))?.size
    if (size !== undefined) expect(size, fileName.chunk(number)).toBeGreaterThanOrEqual(length)
  }
  for (const { number, bytes } of manifest.segments) {
    const size = (await disk.stat(`${folder}/${fileName.segment(number)}`))?.size
    if (size !== undefined) expect(size, fileName.segment(number)).toBe(bytes)
  }
  return names.map((each) => `${folder}/${each}`)
}

/** What a look-up gives, as one word: what is there, what is not, or the code of what it throws. */
export async function outcomeOf(look: () => Promise<unknown>): Promise<string> {
  try {
    return (await look()) === undefined ? 'absent' : 'there'
  } catch (error) {
    if (!VarveError.is(error)) throw error
    return error.code
  }
}
