/** Files of a volume that are damaged, missing, or not what their names say, while its manifest is right. */
import { fileName } from '@varve/pack/layout'
import { decodeManifest, readControl } from '@varve/pack/pack'
import type { MemoryFileSystem } from '@varve/pack/testing'
import { type Hash, type Store, type StoreEvent, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { expectAll, expectExactFiles, type LayeredLife, layeredLife } from '../support/layered-life.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder, placeFolders } from '../support/movable-layer.ts'
import { readCommit } from '../support/read-whole.ts'

/** A store with a chunk and a segment in its volume, closed. */
async function archivedLife(): Promise<LayeredLife> {
  const life = await layeredLife('generation')
  const store = await openMemory(life.disk)
  await store.gc.run(life.target, { grace: 0 })
  await store.close()
  return life
}

/** The manifest's name and those of its files, below the lower layer's folder. */
async function namesIn(disk: MemoryFileSystem): Promise<{ manifest: string; files: string[] }> {
  const { state } = await readControl(disk, memoryFolder)
  const volume = state.volumes[0] as (typeof state.volumes)[0]
  const folder = fileName.volume(volume.id)
  const manifest = `${folder}/${fileName.manifest(volume.manifest)}`
  const { chunks, segments } = decodeManifest(await disk.readFile(`${lowerFolder}/${manifest}`), manifest)
  const names = [
    ...chunks.flatMap(({ number }) => [fileName.chunk(number), fileName.chunkIndex(number)]),
    ...segments.flatMap(({ number }) => [
      ...[fileName.segment(number), fileName.segmentMap(number), fileName.segmentIndex(number)],
    ]),
  ]
  return { manifest, files: names.map((name) => `${folder}/${name}`) }
}

/**
 * Reads everything: each commit is whole or fails naming the file. Gives whether any failed.
 */
async function readAll(store: Store, life: LayeredLife, file: string): Promise<boolean> {
  let hasFailed = false
  for (const [hash, tree] of life.commits) {
    try {
      expect(await readCommit(store, hash)).toEqual(tree)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      expect(error.details.file).toBe(file)
      hasFailed = true
    }
  }
  return hasFailed
}

const kinds = ['chunk', 'chunk index', 'segment', 'map', 'segment index']

describe.each([0, 1, 2, 3, 4])('of a volume, file %i', (at) => {
  const harms: Record<string, (bytes: Buffer, other: Buffer) => Buffer> = {
    'is cut off': (bytes) => bytes.subarray(0, 200),
    'is empty': () => Buffer.alloc(0),
    'has a damaged header': (bytes) => flipped(bytes, 5),
    'goes by the wrong number': (bytes) => withNumber(bytes),
    'is that of another store': (_bytes, other) => other,
  }

  test.each(Object.keys(harms))(`(${kinds[at]}) that %s is CORRUPT by its name`, async (harm) => {
    const life = await archivedLife()
    const { files } = await namesIn(life.disk)
    const file = files[at] as string
    const other = await othersFile(life.disk, file)
    const original = await life.disk.readFile(`${lowerFolder}/${file}`)
    const change = harms[harm] as (bytes: Buffer, other: Buffer) => Buffer
    life.disk.damage(`${lowerFolder}/${file}`, (bytes) => change(bytes, other))
    const store = await openMemory(life.disk)
    expect(await readAll(store, life, file)).toBe(true)
    // What was written is not lost: the file may come back.
    life.disk.damage(`${lowerFolder}/${file}`, () => original)
    await expectAll(store, life)
    await store.close()
    expect(life.disk.openHandles()).toEqual([])
  })

  test(`(${kinds[at]}) that is missing is CORRUPT by its name, and found when it is back`, async () => {
    const life = await archivedLife()
    const { files } = await namesIn(life.disk)
    const file = files[at] as string
    await life.disk.rename(`${lowerFolder}/${file}`, '/disk/elsewhere')
    const store = await openMemory(life.disk)
    expect(await readAll(store, life, file)).toBe(true)
    await life.disk.rename('/disk/elsewhere', `${lowerFolder}/${file}`)
    await expectAll(store, life)
    await store.close()
  })
})

describe('a manifest', () => {
  test('of which one copy is whole is enough', async () => {
    for (const at of [100, 4_096 + 100]) {
      const life = await archivedLife()
      const { manifest } = await namesIn(life.disk)
      life.disk.damage(`${lowerFolder}/${manifest}`, (bytes) => flipped(bytes, at))
      const store = await openMemory(life.disk, { lower: { path: lowerFolder, missing: 'refuse' } })
      await expectAll(store, life)
      const made = await store.branch('main').commit((edit) => void edit.set('more', 'x'))
      await store.gc.run(made, { grace: 0 })
      await expectAll(store, life)
      await store.close()
      await expectExactFiles(life.disk, lowerFolder)
    }
  })

  test('of which none is whole is CORRUPT by its name, and stops collections only', async () => {
    const life = await archivedLife()
    const { manifest } = await namesIn(life.disk)
    const damage = (bytes: Buffer): Buffer => flipped(flipped(bytes, 100), 4_096 + 100)
    life.disk.damage(`${lowerFolder}/${manifest}`, damage)
    const corrupt = { code: 'CORRUPT', details: { file: manifest } }
    const lower = { path: lowerFolder, missing: 'refuse' } as const
    await expect(openMemory(life.disk, { lower })).rejects.toMatchObject(corrupt)
    const store = await openMemory(life.disk)
    expect(await readAll(store, life, manifest)).toBe(true)
    const made = await store.branch('main').commit((edit) => void edit.set('more', 'x'))
    await expect(store.gc.run(made, { grace: 0 })).rejects.toMatchObject(corrupt)
    life.disk.damage(`${lowerFolder}/${manifest}`, damage)
    await store.gc.run(made, { grace: 0 })
    await expectAll(store, life)
    await store.close()
    await expectExactFiles(life.disk, lowerFolder)
  })

  test('of another store is no damage: the layer is not the one that is meant', async () => {
    const life = await archivedLife()
    const { manifest } = await namesIn(life.disk)
    const other = await life.disk.readFile(`${placeFolders.other}/volume-1/manifest-1`)
    life.disk.damage(`${lowerFolder}/${manifest}`, () => other)
    const store = await openMemory(life.disk)
    const oldest = [...life.commits.keys()].find((_, i) => i === 1) as Hash<'commit'>
    await expect(store.getCommit(oldest)).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await store.close()
  })
})

describe('a filter kept above', () => {
  test.each(['missing', 'damaged'])('that is %s is told of once, and costs no answer', async (how) => {
    const life = await archivedLife()
    const [name] = (await life.disk.list(memoryFolder)).filter((each) => each.endsWith('.bloom'))
    const path = `${memoryFolder}/${name}`
    if (how === 'missing') await life.disk.remove(path)
    else life.disk.damage(path, (bytes) => flipped(bytes, 70))
    const events: StoreEvent[] = []
    let store = await openMemory(life.disk, { events })
    await expectAll(store, life)
    expect(await store.getCommit('ab'.repeat(32) as Hash<'commit'>)).toBeUndefined()
    const damaged = events.filter(({ type }) => type === 'damaged')
    expect(damaged).toEqual([{ type: 'damaged', file: name, offset: 0, bytes: 0 }])
    await store.close()
    await life.disk.rename(lowerFolder, '/disk/away')
    store = await openMemory(life.disk)
    // Nothing rules it out any more.
    const unknown = store.getCommit('cd'.repeat(32) as Hash<'commit'>)
    await expect(unknown).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await store.close()
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ 0x10
  return bytes
}

/** The number in the header of a file, changed. */
function withNumber(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(bytes.readUInt32LE(12) + 1, 12)
  return bytes
}

/** The file as another store would have it. */
async function othersFile(disk: MemoryFileSystem, file: string): Promise<Buffer> {
  const bytes = Buffer.from(await disk.readFile(`${lowerFolder}/${file}`))
  // Its id, wherever that kind of file has it.
  const { state } = await readControl(disk, memoryFolder)
  const id = Buffer.from(state.storeId, 'hex')
  const at = bytes.indexOf(id)
  expect(at).toBeGreaterThan(0)
  Buffer.alloc(16, 7).copy(bytes, at)
  return bytes
}
