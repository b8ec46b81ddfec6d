// In plain JavaScript, as a script that runs without the tests' tools uses it too.
import { createHash } from 'node:crypto'

/**
 * Everything that the refs of a store lead to, as plain data: what is written down of a frozen store, and
 * what is read from it later.
 * @param {import('@varve/store').StoreReader} store
 */
export async function holdingsOf(store) {
  /** @type {Record<string, import('@varve/store').Hash<'commit'> | undefined>} */
  const refs = {}
  for await (const branch of store.branches()) refs[`heads/${branch.name}`] = (await branch.head())?.hash
  for await (const tag of store.tags()) refs[`tags/${tag.name}`] = (await tag.target())?.hash
  const heads = Object.values(refs).filter((hash) => hash !== undefined)
  const commits = []
  for await (const commit of store.log(heads)) {
    const { hash, treeHash, parents, author, message, extra } = commit
    const files = await filesOf(store, commit.tree())
    const date = commit.date.getTime()
    commits.push({ hash, treeHash, parents: [...parents], author, date, message, extra: { ...extra }, files })
  }
  return { refs, commits }
}

/**
 * Path → mode, size, and SHA-256 of the content. A last name that is no UTF-8 is given in hexadecimal.
 * @param {import('@varve/store').StoreReader} store
 * @param {import('@varve/store').Tree} tree
 */
async function filesOf(store, tree) {
  /** @type {Record<string, string>} */
  const files = {}
  for await (const entry of tree.entries('', { recursive: true })) {
    if (entry.kind === 'tree') continue
    const content = (await store.getBlob(entry.hash)) ?? new Uint8Array(0)
    const name = Buffer.from(entry.nameBytes)
    const isText = Buffer.from(entry.name).equals(name)
    const path = [...entry.path.slice(0, -1), isText ? entry.name : `hex:${name.toString('hex')}`]
    const sum = createHash('sha256').update(content).digest('hex')
    files[path.join('/')] = `${entry.mode} ${content.length} ${sum}`
  }
  return files
}
