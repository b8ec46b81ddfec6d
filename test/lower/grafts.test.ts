/**
 * Everything that lets the upper layer refer to what rests in a volume only, once held until it is collected
 * and once given up before. What is held comes up; either way the volume that is written to gets all that its
 * chunks refer to.
 */
import { entryMode, toRawName } from '@varve/pack/objects'
import type { Commit, Hash, Store, Tree } from '@varve/store'
import { openBulk } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, expectTidy, memoryFolder, openMemory } from '../support/memory-store.ts'
import { readTree, sha256, describe as shown } from '../support/read-whole.ts'
import { hashOf } from '../support/scenario.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const lower = '/disk/lower'
/** Large enough to be stored in chunks. */
const big = seededBytes(5, 400_000)
const bigHash = sha256(big) as Hash<'blob'>
/** Enough names for more than one node. */
const names = Array.from({ length: 300 }, (_, i) => `name-${String(i).padStart(3, '0')}`)
const archived = new Map<string, string | Uint8Array>([
  ...names.map((name): [string, string] => [`many/${name}`, `text of ${name}`]),
  ['a/b/c', 'deep'],
  ['big', big],
])

interface Way {
  readonly name: string
  /** Makes a commit that stands on an archived one. */
  readonly make: (store: Store, old: Commit) => Promise<Commit>
  /** What it holds. */
  readonly wanted: ReadonlyMap<string, string | Uint8Array>
}

const below = (path: string): Map<string, string | Uint8Array> =>
  new Map([...archived].map(([name, content]) => [`${path}/${name}`, content]))
const commitOf = async (store: Store, tree: Tree | Promise<Tree>): Promise<Commit> =>
  store.commit({ tree: await tree, date: 1 })

const ways: readonly Way[] = [
  { name: 'the commit itself', make: async (_, old) => old, wanted: archived },
  { name: 'its tree', make: (store, old) => commitOf(store, old.tree()), wanted: archived },
  {
    name: 'its tree, put by itself',
    make: async (store, old) => {
      const hash = await store.putTree(await old.tree().set('x', 'new'))
      return commitOf(store, (await store.getTree(hash)) as Tree)
    },
    wanted: new Map([...archived, ['x', 'new']]),
  },
  {
    name: 'its tree, changed deep down, as an overlay',
    make: (store, old) => commitOf(store, old.tree().edit().set('a/b/d', 'new').tree()),
    wanted: new Map([...archived, ['a/b/d', 'new']]),
  },
  {
    name: 'its tree, changed in one of many names, as a draft',
    make: async (store, old) => {
      const tree = await old.tree().edit().set(`many/${names[150]}`, 'new').tree()
      await tree.hash()
      return commitOf(store, tree)
    },
    wanted: new Map([...archived, [`many/${names[150]}`, 'new']]),
  },
  {
    name: 'its tree, changed in many places',
    make: async (store, old) => {
      const edit = old.tree().edit()
      for (const name of names.slice(0, 200)) edit.set(`many/${name}`, `new ${name}`)
      return commitOf(store, edit.tree())
    },
    wanted: new Map([
      ...archived,
      ...names.slice(0, 200).map((name): [string, string] => [`many/${name}`, `new ${name}`]),
    ]),
  },
  {
    name: 'a directory by its handle',
    make: async (store, old) => {
      const directory = (await old.tree().getTree('many')) as Tree
      return commitOf(store, store.emptyTree().setTree('put/here', directory))
    },
    wanted: new Map(names.map((name) => [`put/here/${name}`, `text of ${name}`])),
  },
  {
    name: 'a tree by its hash',
    make: (store, old) => commitOf(store, store.emptyTree().setTree('put', old.treeHash)),
    wanted: below('put'),
  },
  {
    name: 'a blob by its hash',
    make: (store) => commitOf(store, store.emptyTree().setBlob('x', hashOf('deep'))),
    wanted: new Map([['x', 'deep']]),
  },
  {
    name: 'a large blob by its hash',
    make: (store) => commitOf(store, store.emptyTree().setBlob('x', bigHash)),
    wanted: new Map([['x', big]]),
  },
  {
    name: 'a history from elsewhere on top of it',
    make: async (store, old) => {
      const bulk = await openBulk(store)
      const blob = bulk.putBlob(Buffer.from('imported'))
      const root = await bulk.commitTree(old.hash)
      const target = { mode: entryMode.file, count: 0, ...blob }
      const tree = bulk.changeDirectory(root, [{ name: toRawName('z'), target }])
      const info = { author: 'importer', date: 1, message: '', extra: {} }
      const { hash } = bulk.putCommit({ tree, parents: [old.hash], ...info })
      await bulk.finish([])
      return (await store.getCommit(hash as Hash<'commit'>)) as Commit
    },
    wanted: new Map([...archived, ['z', 'imported']]),
  },
]

describe.each(ways)('what stands on an archived commit: $name', ({ make, wanted }) => {
  test('held until it is collected', () =>
    withArchived(async ({ store, old, disk }) => {
      const commit = await make(store, old)
      await store.branch('held').set(commit)
      await expectWhole(store, commit, wanted)
      await collect(store)
      expect(await store.locate(commit.hash)).toMatchObject({ state: 'present' })
      await expectLowerAlone(disk, memoryFolder)
      // All of it has come up.
      await disk.rename(lower, '/disk/away')
      await expectWhole(store, commit, wanted)
      await disk.rename('/disk/away', lower)
      // Given up now, it goes down into a third volume, with the generation that it is in.
      await store.advanced.addVolume()
      await store.branch('held').delete()
      await collect(store)
      await expectLowerAlone(disk, memoryFolder)
      expect(await store.locate(commit.hash)).toMatchObject({ state: 'archived' })
      await expectWhole(store, commit, wanted)
    }))

  test('given up before', () =>
    withArchived(async ({ store, old, disk }) => {
      const commit = await make(store, old)
      await store.commit({ tree: await store.emptyTree().set('aside', 'text') })
      await collect(store)
      await expectLowerAlone(disk, memoryFolder)
      expect(await store.locate(commit.hash)).toMatchObject({ state: 'archived' })
      await expectWhole(store, commit, wanted)
      await store.advanced.addVolume()
      // Once more from there.
      const again = await make(store, old)
      await store.branch('other').commit((edit) => void edit.set('other', 'text'))
      await collect(store)
      await expectLowerAlone(disk, memoryFolder)
      expect(await store.getCommit(again.hash)).toBeDefined()
      await expectWhole(store, commit, wanted)
    }))

  test('made while a collection runs', () =>
    withArchived(async ({ store, old, disk }) => {
      await store.branch('other').commit((edit) => void edit.set('other', 'text'))
      await store.startGc(undefined, { grace: 0 })
      const commit = await make(store, old)
      await store.branch('held').set(commit)
      await store.finaliseGc({ wait: true })
      await expectLowerAlone(disk, memoryFolder)
      await expectWhole(store, commit, wanted)
      await store.branch('held').delete()
      await collect(store)
      await expectLowerAlone(disk, memoryFolder)
      await expectWhole(store, commit, wanted)
    }))
})

describe('deduplication', () => {
  test('what rests in a volume only is written again when it is put again', () =>
    withArchived(async ({ store, old }) => {
      expect(await store.locate(hashOf('deep'))).toMatchObject({ state: 'archived' })
      expect(await store.locate(old.hash)).toMatchObject({ state: 'archived' })
      await store.putBlob('deep')
      expect(await store.locate(hashOf('deep'))).toMatchObject({ state: 'present' })
      const edit = store.emptyTree().edit()
      for (const [path, content] of archived) edit.set(path, content)
      const again = await store.commit({ tree: await edit.tree(), date: 0 })
      expect(again.hash).toBe(old.hash)
      for (const hash of [old.hash, old.treeHash, bigHash]) {
        expect(await store.locate(hash)).toMatchObject({ state: 'present' })
      }
    }))
})

/** A store whose first volume alone has the commit, and whose second one is empty. */
async function withArchived(
  body: (o: {
    readonly store: Store
    readonly old: Commit
    readonly disk: Awaited<ReturnType<typeof emptyDisk>>
  }) => Promise<void>,
): Promise<void> {
  const disk = await emptyDisk()
  const first = await openMemory(disk, { lower })
  const edit = first.emptyTree().edit()
  for (const [path, content] of archived) edit.set(path, content)
  const { hash } = await first.commit({ tree: await edit.tree(), date: 0 })
  await collect(first)
  await first.advanced.addVolume()
  await first.close()
  // What is known of it comes from the volume alone.
  const store = await openMemory(disk)
  expect(await store.locate(hash)).toMatchObject({ state: 'archived', file: /^volume-1\// })
  await body({ store, old: (await store.getCommit(hash)) as Commit, disk })
  await store.close()
  await expectTidy(disk)
  await expectLowerAlone(disk, memoryFolder)
}

async function collect(store: Store): Promise<void> {
  await store.gc.run(undefined, { grace: 0 })
}

async function expectWhole(store: Store, { hash }: Commit, wanted: Way['wanted']): Promise<void> {
  const found = await store.getCommit(hash)
  const tree = await readTree((found as Commit).tree())
  const blobs = [...tree].filter(([, what]) => !what.startsWith('tree '))
  expect(new Map(blobs)).toEqual(new Map([...wanted].map(([path, content]) => [path, shown(content)])))
}
