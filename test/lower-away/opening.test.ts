/** A store is opened, or gets its lower layer, while the folder is away, elsewhere, or not to be had. */
import { readControl, replaceControl } from '@varve/pack/pack'
import { InterceptedFileSystem, type MemoryFileSystem, systemError } from '@varve/pack/testing'
import type { Hash } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { expectAll, expectExactFiles, layeredLife, outcomeOf } from '../support/layered-life.ts'
import { listFiles } from '../support/list-files.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { layerPlaces, lowerFolder, MovableLayer, placeFolders } from '../support/movable-layer.ts'
import { sha256 } from '../support/read-whole.ts'

async function contentsOf(disk: MemoryFileSystem, folder: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {}
  for (const name of await listFiles(disk, folder)) {
    contents[name] = sha256(await disk.readFile(`${folder}/${name}`))
  }
  return contents
}

describe('a store whose lower layer is away', () => {
  const ways = layerPlaces.filter((place) => place !== 'there')

  test.each(ways)('(%s) does not open where the layer must be there, and nothing changes', async (way) => {
    const life = await layeredLife('further')
    const layer = new MovableLayer(life.disk)
    layer.place = way
    const before = await contentsOf(life.disk, '/disk')
    const lower = { path: lowerFolder, missing: 'refuse' } as const
    const refused = await openMemory(life.disk, { through: layer.through, lower }).catch((error) => error)
    expect(refused).toMatchObject({ code: 'LOWER_UNAVAILABLE', details: { path: lowerFolder } })
    expect(await contentsOf(life.disk, '/disk')).toEqual(before)
    expect(life.disk.openHandles()).toEqual([])
    layer.place = 'there'
    const store = await openMemory(life.disk, { through: layer.through, lower })
    await expectAll(store, life)
    await store.close()
  })

  test.each(ways)('(%s) begins no volume, and makes no folder in its place', async (way) => {
    const life = await layeredLife('further')
    const layer = new MovableLayer(life.disk)
    const store = await openMemory(life.disk, { through: layer.through })
    layer.place = way
    const before = await listFiles(life.disk, '/disk')
    const folders = life.disk.folders()
    await expect(store.advanced.addVolume()).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    expect(await store.gc.isAllowed()).toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await expect(store.startGc()).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    expect(store.gc.status).toEqual({ state: 'idle' })
    expect(await listFiles(life.disk, '/disk')).toEqual(before)
    expect(life.disk.folders()).toEqual(folders)
    layer.place = 'there'
    await store.advanced.addVolume()
    await store.gc.run(life.target, { grace: 0 })
    await expectAll(store, life)
    await store.close()
    await expectExactFiles(life.disk, lowerFolder)
  })

  test('goes on for those who need nothing of it, through crashes and openings', async () => {
    const life = await layeredLife('further')
    const archived = life.archived as Hash<'commit'>
    const layer = new MovableLayer(life.disk)
    const store = await openMemory(life.disk, { through: layer.through })
    layer.place = 'renamed'
    const made = await store.branch('main').commit((edit) => void edit.set('dir/meanwhile', 'x'))
    await store.branch('main').set(made)
    for (const seed of [1, 2, 3]) {
      const image = life.disk.crashImage({ keep: 'random', seed, tear: 512 })
      const after = new MovableLayer(image)
      after.place = 'renamed'
      const again = await openMemory(image, { through: after.through })
      expect((await again.branch('main').head())?.hash).toBe(made.hash)
      expect(await outcomeOf(() => again.getCommit(archived))).toBe('LOWER_UNAVAILABLE')
      expect(await again.locate(archived)).toEqual({ state: 'unavailable' })
      after.place = 'there'
      expect((await again.locate(archived)).state).toBe('archived')
      await expectAll(again, life)
      await again.gc.run(made, { grace: 0 })
      await expectAll(again, life)
      await again.close()
    }
    await store.close()
  })

  test('writes nothing that needs it, and nothing else is held up by that', async () => {
    const life = await layeredLife('further')
    const archived = life.archived as Hash<'commit'>
    const layer = new MovableLayer(life.disk)
    let store = await openMemory(life.disk, { through: layer.through })
    const commit = await store.getCommit(archived)
    await store.branch('old').set(archived)
    await store.close()
    layer.place = 'renamed'
    store = await openMemory(life.disk, { through: layer.through })
    const old = store.branch('old')
    const away = { code: 'LOWER_UNAVAILABLE' }
    await expect(old.get('dir/file-0')).rejects.toMatchObject(away)
    await expect(old.commit((edit) => void edit.set('a', 'b'))).rejects.toMatchObject(away)
    await expect(store.branch('new').set(archived)).rejects.toMatchObject(away)
    await expect(store.log('old' as never).toArray()).rejects.toMatchObject({ code: 'INVALID_HASH' })
    await expect(store.log(archived).toArray()).rejects.toMatchObject(away)
    await expect(store.gc.run(archived)).rejects.toMatchObject(away)
    const tree = commit?.treeHash as Hash<'tree'>
    await expect(store.getTree(tree)).rejects.toMatchObject(away)
    const made = store.branch('other').commit((edit) => void edit.setTree('under', tree))
    await expect(made).rejects.toMatchObject(away)
    // Puts never ask the lower layer.
    const blob = await store.putBlob('this store: content 0')
    expect(await store.locate(blob)).toMatchObject({ state: 'present' })
    await store.branch('main').commit((edit) => void edit.set('c', 'd'))
    layer.place = 'there'
    await old.commit((edit) => void edit.set('a', 'b'))
    await store.gc.run(life.target, { grace: 0 })
    layer.place = 'renamed'
    expect(await old.get('dir/file-0')).toBeDefined()
    layer.place = 'there'
    await expectAll(store, life)
    await store.close()
    await expectExactFiles(life.disk, lowerFolder)
  })
})

describe('a lower layer', () => {
  test.each(['mkdir', 'create', 'write', 'sync', 'syncFolder'] as const)(
    'that cannot be made (%s) changes nothing, and can be made later',
    async (kind) => {
      const disk = await emptyDisk()
      let store = await openMemory(disk)
      const made = await store.branch('main').commit((edit) => void edit.set('a', 'b'))
      await store.close()
      const before = await contentsOf(disk, memoryFolder)
      let isBroken = true
      const through = new InterceptedFileSystem(disk, {
        before: ({ kind: found, path }) =>
          isBroken && found === kind && path.startsWith(lowerFolder)
            ? { kind: 'fail', error: systemError('EACCES', kind, path) }
            : undefined,
      })
      const refused = await openMemory(disk, { through, lower: lowerFolder }).catch((error) => error)
      expect(refused).toMatchObject({ code: 'LOWER_UNAVAILABLE', details: { path: lowerFolder } })
      expect(await contentsOf(disk, memoryFolder)).toEqual(before)
      expect(disk.openHandles()).toEqual([])
      isBroken = false
      store = await openMemory(disk, { through, lower: lowerFolder })
      expect(store.gc.behaviour()).toBe('archive')
      await store.gc.run(made, { grace: 0 })
      await store.close()
    },
  )

  test.each(['', '/db', '/db/lower', '/lock', '/staging', '/control', '/suffix-1.pack'])(
    'cannot be the place of something else of the store: <root>%s',
    async (inside) => {
      const disk = await emptyDisk()
      const mismatch = { code: 'OPTION_MISMATCH', details: { option: 'lower' } }
      await (await openMemory(disk)).close()
      const before = await contentsOf(disk, '/disk')
      const opening = openMemory(disk, { lower: `${memoryFolder}${inside}` })
      await expect(opening).rejects.toMatchObject(mismatch)
      expect(await contentsOf(disk, '/disk')).toEqual(before)
    },
  )

  test('that was moved is found where the caller says, and from then on without him', async () => {
    const life = await layeredLife('further')
    await life.disk.mkdir('/mnt')
    await life.disk.rename(lowerFolder, '/mnt/layer')
    let store = await openMemory(life.disk, { lower: '/mnt/layer' })
    await expectAll(store, life)
    await store.gc.run(life.target, { grace: 0 })
    await store.close()
    store = await openMemory(life.disk)
    await expectAll(store, life)
    await store.close()
    expect((await readControl(life.disk, memoryFolder)).state.lower).toBe('/mnt/layer')
    await expectExactFiles(life.disk, '/mnt/layer')
  })

  test('in the folder of the store moves with it', async () => {
    const disk = await emptyDisk()
    let store = await openMemory(disk, { lower: `${memoryFolder}/..lower/deep` })
    const first = await store.branch('main').commit((edit) => void edit.set('a', 'first'))
    const second = await store.branch('main').commit((edit) => void edit.set('a', 'second'))
    await store.gc.run(second, { grace: 0 })
    await store.close()
    expect((await readControl(disk, memoryFolder)).state.lower).toBe('..lower/deep')
    await disk.rename(memoryFolder, '/disk/elsewhere')
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
    store = await openStore('/disk/elsewhere', {}, platform)
    expect((await store.getCommit(first.hash))?.hash).toBe(first.hash)
    await store.close()
  })

  test('that nobody names keeps an archived store from being opened', async () => {
    const life = await layeredLife('further')
    const { state } = await readControl(life.disk, memoryFolder)
    await replaceControl(life.disk, memoryFolder, { ...state, lower: null, sequence: state.sequence + 1 })
    const before = await contentsOf(life.disk, '/disk')
    await expect(openMemory(life.disk)).rejects.toMatchObject({
      code: 'OPTION_MISMATCH',
      details: { option: 'lower' },
    })
    expect(await contentsOf(life.disk, '/disk')).toEqual(before)
    const store = await openMemory(life.disk, { lower: lowerFolder })
    await expectAll(store, life)
    await store.close()
    expect((await readControl(life.disk, memoryFolder)).state.lower).toBe(lowerFolder)
  })

  test('of another store is never taken for the own', async () => {
    const life = await layeredLife('further')
    const store = await openMemory(life.disk, { lower: placeFolders.other })
    const archived = life.archived as Hash<'commit'>
    expect(await outcomeOf(() => store.getCommit(archived))).toBe('LOWER_UNAVAILABLE')
    const before = await contentsOf(life.disk, placeFolders.other)
    await expect(store.gc.run(life.target)).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await store.close()
    expect(await contentsOf(life.disk, placeFolders.other)).toEqual(before)
    const again = await openMemory(life.disk, { lower: lowerFolder })
    await expectAll(again, life)
    await again.close()
  })
})
