import type { MemoryFileSystem } from '@varve/pack/testing'
import { SeededRandom } from '@varve/pack/testing'
import { type Commit, type Hash, type Store, VarveError } from '@varve/store'
import { emptyDisk, memoryFolder, openMemory } from './memory-store.ts'
import { describe, sha256 } from './read-whole.ts'
import { seededBytes } from './seeded-bytes.ts'

/**
 * Everything that a store holds, by address: what a reader must get to see, or be told that it is damaged.
 */
export interface Holdings {
  /** Hash → `describe(content)`. */
  readonly blobs: ReadonlyMap<Hash<'blob'>, string>
  readonly trees: ReadonlySet<Hash<'tree'>>
  /** Hash → hash of its tree. */
  readonly commits: ReadonlyMap<Hash<'commit'>, Hash<'tree'>>
  /** `heads/…`, `tags/…` → hash of the commit. */
  readonly refs: ReadonlyMap<string, Hash<'commit'>>
}

export interface Specimen {
  readonly disk: MemoryFileSystem
  readonly holdings: Holdings
  /** Older states of the files, oldest first: name → bytes. */
  readonly past: readonly ReadonlyMap<string, Buffer>[]
}

/**
 * A store with a file of every kind: a generation of two collections with its checkpoint, a sealed chunk, and
 * an open chunk of several batches. Stores of different seeds have other ids and other contents.
 */
export async function makeSpecimen(seed: number): Promise<Specimen> {
  const disk = await emptyDisk()
  const random = new SeededRandom(seed)
  const past: ReadonlyMap<string, Buffer>[] = []
  const store = await openMemory(disk)
  const big = seededBytes(seed, 300_000)
  const main = store.branch('main')
  const commit = (at: number): Promise<Commit> =>
    main.commit((edit) => {
      for (let i = 0; i < 40; i++)
        edit.set(`d${i % 5}/f${random.below(200)}`, `${seed} ${at} ${random.uint32()}`)
    })
  for (let at = 0; at < 6; at++) {
    if (at === 3) await main.commit((edit) => void edit.set('big', big))
    const made = await commit(at)
    await store.branch(`side-${at}`).set(made)
    past.push(copyOf(disk))
    if (at === 1 || at === 3) await store.gc.run(made, { grace: 0 })
    past.push(copyOf(disk))
  }
  await store.tag('v1').create(await head(store, 'main'), { message: 'first' })
  await store.advanced.split()
  for (let at = 6; at < 10; at++) await commit(at)
  await store.putBlob(`${seed} bare`)
  await store.flush()
  await store.branch('side-0').set(await commit(10))
  past.push(copyOf(disk))
  const holdings = await takeStock(store)
  await store.close()
  return { disk, holdings, past }
}

/** The names of the files of a specimen. */
export function filesOf(disk: MemoryFileSystem): string[] {
  return [...disk.files().keys()].map((path) => path.slice(memoryFolder.length + 1))
}

export function bytesOf(disk: MemoryFileSystem, name: string): Buffer {
  const bytes = disk.files().get(`${memoryFolder}/${name}`)
  if (bytes === undefined) throw new Error(`there is no ${name}`)
  return Buffer.from(bytes)
}

function copyOf(disk: MemoryFileSystem): ReadonlyMap<string, Buffer> {
  return new Map(filesOf(disk).map((name) => [name, bytesOf(disk, name)]))
}

async function head(store: Store, branch: string): Promise<Commit> {
  return (await store.branch(branch).head()) as Commit
}

async function takeStock(store: Store): Promise<Holdings> {
  const blobs = new Map<Hash<'blob'>, string>()
  const trees = new Set<Hash<'tree'>>()
  const commits = new Map<Hash<'commit'>, Hash<'tree'>>()
  const refs = new Map<string, Hash<'commit'>>()
  for await (const { name } of store.branches()) refs.set(`heads/${name}`, (await head(store, name)).hash)
  for await (const tag of store.tags()) refs.set(`tags/${tag.name}`, ((await tag.target()) as Commit).hash)
  for await (const commit of store.log([...refs.values()])) {
    commits.set(commit.hash, commit.treeHash)
    trees.add(commit.treeHash)
    for await (const entry of commit.tree().entries('', { recursive: true })) {
      if (entry.kind === 'tree') trees.add(entry.hash)
      else if (!blobs.has(entry.hash))
        blobs.set(entry.hash, describe((await store.getBlob(entry.hash)) ?? ''))
    }
  }
  return { blobs, trees, commits, refs }
}

/** What a look at everything has found. */
export interface Findings {
  /** Objects and refs that are told to be damaged, each with the error. */
  readonly damaged: ReadonlyMap<string, VarveError<'CORRUPT'>>
  /** What is wrong without an error that says so: absent, or something else than it should be. */
  readonly wrong: readonly string[]
}

/** Looks everything up by its address. */
export async function inspect(store: Store, holdings: Holdings): Promise<Findings> {
  const damaged = new Map<string, VarveError<'CORRUPT'>>()
  const wrong: string[] = []
  const look = async (
    what: string,
    read: () => Promise<string | undefined>,
    expected: string,
  ): Promise<void> => {
    try {
      const found = await read()
      if (found !== expected) wrong.push(`${what} is ${found}`)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw new Error(`reading ${what}`, { cause: error })
      damaged.set(what, error)
    }
  }
  for (const [hash, content] of holdings.blobs) {
    await look(`blob ${hash}`, async () => described(await store.getBlob(hash)), content)
  }
  for (const hash of holdings.trees) {
    await look(`tree ${hash}`, async () => (await store.getTree(hash))?.hash(), hash)
  }
  for (const [hash, tree] of holdings.commits) {
    await look(`commit ${hash}`, async () => (await store.getCommit(hash))?.treeHash, tree)
  }
  for (const [ref, hash] of holdings.refs) await look(ref, () => readRef(store, ref), hash)
  return { damaged, wrong }
}

/** Walks through every commit from the top. Every byte is right, or told to be damaged. */
export async function walkThrough(store: Store, holdings: Holdings): Promise<void> {
  for (const hash of holdings.commits.keys()) {
    try {
      const commit = await store.getCommit(hash)
      for await (const entry of commit?.tree().entries('', { recursive: true }) ?? []) {
        if (entry.kind === 'tree') continue
        const content = await commit?.tree().get(entry.path)
        if (content === undefined || sha256(content) !== entry.hash) throw new Error(`${entry.path} is wrong`)
      }
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw new Error(`walking through ${hash}`, { cause: error })
    }
  }
}

async function readRef(store: Store, ref: string): Promise<string | undefined> {
  const name = ref.slice(ref.indexOf('/') + 1)
  if (ref.startsWith('tags/')) return (await store.tag(name).target())?.hash
  return (await store.branch(name).head())?.hash
}

function described(content: Uint8Array | undefined): string | undefined {
  return content === undefined ? undefined : describe(content)
}
