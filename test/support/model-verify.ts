import type { Hash, Store, Tree } from '@varve/store'
import { expect } from 'vitest'
import { branches, contents } from './model-ops.ts'
import type { ModelRegister } from './model-register.ts'
import type { ModelStore, ModelTree, Presence } from './model-store.ts'
import { contentOf } from './model-tree.ts'

/** Everything that is known to be there is, whole; everything that must be gone is. */
export async function verifyStore(store: Store, model: ModelStore, known: ModelRegister): Promise<void> {
  await verifyRefs(store, model, known)
  for (const name of branches) await verifyHistory(store, model, known, name)
  for (const commit of known.commits) {
    const found = await store.getCommit(commit.hash)
    expectPresence(model.presence(commit.key), found, `commit ${commit.hash}`)
    if (found !== undefined) await expectTree(found.tree(), commit.tree)
  }
  for (const content of contents) {
    const found = await store.getBlob(contentOf(content).hash)
    expectPresence(model.presence(`b:${content}`), found, `content ${content}`)
    if (found !== undefined) expect(isSame(found, contentOf(content).bytes)).toBe(true)
  }
  for (const [key, hash] of known.trees) {
    expectPresence(model.presence(key), await store.getTree(hash), `tree ${hash}`)
  }
}

export function expectPresence(presence: Presence, found: unknown, what: string): void {
  if (presence === 'either') return
  expect(found === undefined ? 'gone' : 'there', what).toBe(presence)
}

async function verifyRefs(store: Store, model: ModelStore, known: ModelRegister): Promise<void> {
  const found: Record<string, string | undefined> = {}
  for await (const branch of store.branches()) found[`heads/${branch.name}`] = (await branch.head())?.hash
  for await (const tag of store.tags()) found[`tags/${tag.name}`] = (await tag.target())?.hash
  const wanted = [...model.refs].map(([name, key]) => [name, known.byKey(key)?.hash])
  expect(found).toEqual(Object.fromEntries(wanted))
}

/** Its log has what a walk through parents meets, each commit once. */
async function verifyHistory(
  store: Store,
  model: ModelStore,
  known: ModelRegister,
  name: string,
): Promise<void> {
  const key = model.refs.get(`heads/${name}`)
  const head = await store.branch(name).head()
  expect(head?.hash).toBe(known.byKey(key)?.hash)
  const history = key === undefined ? undefined : model.history(key)
  if (history === undefined) return
  const log = await store.log(head?.hash as Hash<'commit'>).toArray()
  expect(new Set(log.map(({ hash }) => `c:${hash}`))).toEqual(history)
  expect(log.length).toBe(history.size)
}

/** Reads all of a tree and compares it, byte by byte. */
export async function expectTree(tree: Tree, model: ModelTree): Promise<void> {
  const found: string[] = []
  for await (const entry of tree.entries('', { recursive: true })) {
    if (entry.kind === 'tree') continue
    const path = entry.path.join('/')
    const wanted = model.get(path)
    const bytes = tree.getSync(entry.path)
    const isRight =
      wanted?.mode === entry.mode && bytes !== undefined && isSame(bytes, contentOf(wanted.content).bytes)
    if (!isRight) throw new Error(`${path} is not what it should be: ${wanted?.content}`)
    found.push(path)
  }
  if (found.length !== model.size)
    throw new Error(`only ${found.join(' ')} of ${[...model.keys()].join(' ')}`)
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}
