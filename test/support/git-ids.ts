import { createHash } from 'node:crypto'
import type { Commit, Entry, Tree } from '@varve/store'
import { gitCommitId, gitExtra } from 'varve/internal'

const modes = { file: '100644', executable: '100755', symlink: '120000', submodule: '160000' } as const

/** Computes the ids that Git has for what a store holds, from its content alone. */
export class GitIds {
  /** By tree hash: trees share most of what is below them. */
  readonly #trees = new Map<string, string>()
  readonly #blobs = new Map<string, string>()

  commit(commit: Commit): string {
    return gitCommitId(commit, this.tree(commit.tree(), commit.treeHash))
  }

  /** Of the commit's tree; Git's own word for it where the import has found the tree to be odd. */
  treeOf(commit: Commit): string {
    return commit.extra[gitExtra.tree] ?? this.tree(commit.tree(), commit.treeHash)
  }

  tree(tree: Tree, hash: string): string {
    const known = this.#trees.get(hash)
    if (known !== undefined) return known
    const parts = [...tree.entriesSync()].map((entry) => {
      const name = Buffer.from(entry.nameBytes)
      const isTree = entry.kind === 'tree'
      const mode = isTree ? '40000' : modes[entry.mode]
      const id = Buffer.from(this.#entry(tree, entry), 'hex')
      const bytes = Buffer.concat([Buffer.from(`${mode} `), name, Buffer.from([0]), id])
      return { key: isTree ? Buffer.concat([name, Buffer.from('/')]) : name, bytes }
    })
    // In Git a directory sorts as if its name ended in a slash.
    parts.sort((a, b) => Buffer.compare(a.key, b.key))
    const id = idOf('tree', Buffer.concat(parts.map((part) => part.bytes)))
    this.#trees.set(hash, id)
    return id
  }

  #entry(tree: Tree, entry: Entry): string {
    if (entry.kind === 'tree') {
      const known = this.#trees.get(entry.hash)
      if (known !== undefined) return known
      const below = tree.getTreeSync([entry.nameBytes])
      if (below === undefined) throw new Error(`no directory ${entry.name}`)
      return this.tree(below, entry.hash)
    }
    const known = entry.mode === 'submodule' ? undefined : this.#blobs.get(entry.hash)
    if (known !== undefined) return known
    const content = tree.getSync([entry.nameBytes])
    if (content === undefined) throw new Error(`no blob ${entry.name}`)
    if (entry.mode === 'submodule') return Buffer.from(content).toString('latin1')
    const id = idOf('blob', content)
    this.#blobs.set(entry.hash, id)
    return id
  }
}

function idOf(type: string, content: Uint8Array): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex')
}
