import type { MemoryFileSystem } from '@varve/pack/testing'
import { type Commit, type Hash, type Store, type StoreReader, type Tree, VarveError } from '@varve/store'
import { openMemory } from './memory-store.ts'
import { describe } from './read-whole.ts'
import { makeTwoLayers } from './two-layers.ts'

/** A whole copy of both layers, made by `backup`. */
export const copyFolder = '/disk/copy'

/**
 * A small store in two layers, a backup of it beside it, and what each read gives: the read's name → what it
 * gave while everything was whole. No two files share their bytes, as on several file systems: what is
 * damaged in one is whole in the others.
 */
export interface LayersSpecimen {
  readonly disk: MemoryFileSystem
  readonly reads: ReadonlyMap<string, string>
  readonly held: Held
}

/** All that was ever committed, by its address. */
export interface Held {
  readonly blobs: ReadonlySet<Hash<'blob'>>
  readonly trees: ReadonlySet<Hash<'tree'>>
  readonly commits: readonly Hash<'commit'>[]
  /** `heads/…`, `tags/…` */
  readonly refs: readonly string[]
}

/** The read of the names of all refs. */
const refList = 'refs'

/** @param o.bigBytes length of one blob in pieces; 0: there is none */
export async function makeLayersSpecimen(o: { readonly bigBytes: number }): Promise<LayersSpecimen> {
  const disk = await makeTwoLayers(o)
  const store = await openMemory(disk)
  await store.backup(copyFolder)
  const held = await takeStock(store)
  const { answers, refused } = await readEverything(store, held)
  await store.close()
  if (refused.size > 0) throw new Error(`${[...refused.keys()]} cannot be read`)
  for (const path of [...disk.files().keys()]) await unshare(disk, path)
  return { disk, reads: answers, held }
}

/** What all reads gave, or were refused with. */
export interface Answers {
  readonly answers: ReadonlyMap<string, string>
  readonly refused: ReadonlyMap<string, VarveError>
}

/** Reads every commit, tree, and blob by hash and by path, every ref, and the history from each. */
export async function readEverything(store: StoreReader, held: Held): Promise<Answers> {
  const answers = new Map<string, string>()
  const refused = new Map<string, VarveError>()
  const read = async (name: string, answer: () => Promise<unknown>): Promise<void> => {
    try {
      answers.set(name, String(await answer()))
    } catch (error) {
      if (!VarveError.is(error)) throw new Error(`reading ${name}`, { cause: error })
      refused.set(name, error)
    }
  }
  for (const hash of [...held.blobs, ...held.trees, ...held.commits]) {
    await read(`place of ${hash}`, async () =>
      (await store.locate(hash)).state.replace(/archived/, 'present'),
    )
  }
  for (const hash of held.blobs) {
    await read(`blob ${hash}`, async () => describe((await store.getBlob(hash)) ?? 'absent'))
    await read(`has ${hash}`, async () => store.hasBlobs([hash]))
    await read(`stream ${hash}`, async () => describe((await streamed(store, hash)) ?? 'absent'))
  }
  for (const hash of held.trees) {
    await read(`tree ${hash}`, async () => names((await store.getTree(hash)) as Tree))
  }
  for (const hash of held.commits) {
    await read(`commit ${hash}`, async () => describeCommit(await store.getCommit(hash)))
    await read(`content of ${hash}`, async () => content((await store.getCommit(hash)) as Commit))
    await read(`log of ${hash}`, async () => (await store.log(hash).toArray()).map((commit) => commit.hash))
  }
  for (const ref of held.refs) await read(ref, async () => (await targetOf(store, ref))?.hash)
  await read(refList, async () => refsListed(store))
  return { answers, refused }
}

async function takeStock(store: Store): Promise<Held> {
  const blobs = new Set<Hash<'blob'>>()
  const trees = new Set<Hash<'tree'>>()
  const refs = await refsListed(store)
  const heads = await Promise.all(refs.map(async (ref) => (await targetOf(store, ref)) as Commit))
  const commits: Hash<'commit'>[] = []
  for await (const commit of store.log(heads)) {
    commits.push(commit.hash)
    trees.add(commit.treeHash)
    for await (const entry of commit.tree().entries('', { recursive: true })) {
      if (entry.kind === 'tree') trees.add(entry.hash)
      else blobs.add(entry.hash)
    }
  }
  return { blobs, trees, commits, refs }
}

async function refsListed(store: StoreReader): Promise<string[]> {
  const refs: string[] = []
  for await (const { name } of store.branches()) refs.push(`heads/${name}`)
  for await (const { name } of store.tags()) refs.push(`tags/${name}`)
  return refs
}

async function targetOf(store: StoreReader, ref: string): Promise<Commit | undefined> {
  const name = ref.slice(ref.indexOf('/') + 1)
  return ref.startsWith('tags/') ? store.tag(name).target() : store.branch(name).head()
}

async function streamed(store: StoreReader, hash: Hash<'blob'>): Promise<Buffer | undefined> {
  const blob = await store.openBlob(hash)
  if (blob === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of blob.stream()) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function names(tree: Tree): Promise<string> {
  const entries = await tree.entries('').toArray()
  return entries.map((entry) => `${entry.kind} ${entry.name} ${entry.hash}`).join(', ')
}

async function content(commit: Commit): Promise<string> {
  const found: string[] = []
  for await (const entry of commit.tree().entries('', { recursive: true })) {
    const bytes = entry.kind === 'blob' ? await commit.tree().get(entry.path) : undefined
    found.push(`${entry.path.join('/')} ${bytes === undefined ? entry.kind : describe(bytes)}`)
  }
  return found.join(', ')
}

function describeCommit(commit: Commit | undefined): string {
  return [commit?.treeHash, commit?.parents, commit?.author, commit?.date.getTime(), commit?.message].join()
}

/** Gives a file bytes of its own. */
async function unshare(disk: MemoryFileSystem, path: string): Promise<void> {
  const bytes = Buffer.from(disk.files().get(path) as Uint8Array)
  await disk.remove(path)
  await (await disk.open(path, 'create')).close()
  disk.damage(path, () => bytes)
}
