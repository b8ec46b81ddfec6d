import { createHash } from 'node:crypto'
import type { Commit, StoreReader, Tree } from '@varve/store'

/** A tree, read to its last byte: path → what is there. Equal trees give equal maps. */
export type WholeTree = ReadonlyMap<string, string>

/** Reads everything below a tree and checks that each blob is what its hash and size say. */
export async function readTree(tree: Tree): Promise<WholeTree> {
  const whole = new Map<string, string>()
  for await (const entry of tree.entries('', { recursive: true })) {
    const path = entry.path.join('/')
    if (entry.kind === 'tree') {
      whole.set(path, `tree ${entry.count} ${entry.bytes}`)
      continue
    }
    const content = await tree.get(entry.path)
    if (content === undefined) throw new Error(`${path} is listed and cannot be read`)
    if (content.length !== entry.size)
      throw new Error(`${path} has ${content.length} bytes, not ${entry.size}`)
    if (sha256(content) !== entry.hash) throw new Error(`${path} is not what its hash says`)
    whole.set(path, describe(content, entry.mode))
  }
  return whole
}

/** How `readTree` shows a blob. */
export function describe(content: Uint8Array | string, mode = 'file'): string {
  return `${mode} ${Buffer.byteLength(content)} ${sha256(content)}`
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** A commit with its tree, looked up anew by its hash. `undefined`: the store does not hold it. */
export async function readCommit(store: StoreReader, hash: Commit['hash']): Promise<WholeTree | undefined> {
  const commit = await store.getCommit(hash)
  return commit === undefined ? undefined : readTree(commit.tree())
}

/** Every ref with its commit and everything in its tree. */
export async function readRefs(
  store: StoreReader,
): Promise<Record<string, { commit: string; tree: WholeTree }>> {
  const refs: Record<string, { commit: string; tree: WholeTree }> = {}
  for await (const branch of store.branches()) {
    const head = await branch.head()
    if (head === undefined) throw new Error(`branch ${branch.name} is listed and has no head`)
    refs[`heads/${branch.name}`] = { commit: head.hash, tree: await readTree(head.tree()) }
  }
  for await (const tag of store.tags()) {
    const target = await tag.target()
    if (target === undefined) throw new Error(`tag ${tag.name} is listed and has no target`)
    refs[`tags/${tag.name}`] = { commit: target.hash, tree: await readTree(target.tree()) }
  }
  return refs
}
