import { rawToHex } from '@varve/pack/objects'
import type { Commit, Hash, Tree } from '../../api/index.ts'
import { StoredTree, type TreeStorage } from '../../directory/index.ts'
import type { StoredCommit } from '../../reader/index.ts'

/** A commit as its callers hold it. Immutable; the tree is a handle, read when it is asked. */
export class CommitHandle implements Commit {
  readonly hash: Hash<'commit'>
  readonly treeHash: Hash<'tree'>
  readonly parents: readonly Hash<'commit'>[]
  readonly author: string
  readonly date: Date
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
  readonly #stored: StoredCommit
  readonly #storage: TreeStorage

  constructor(stored: StoredCommit, storage: TreeStorage) {
    this.hash = rawToHex(stored.hash) as Hash<'commit'>
    this.treeHash = rawToHex(stored.tree.hash) as Hash<'tree'>
    this.parents = stored.parents.map((parent) => rawToHex(parent) as Hash<'commit'>)
    this.author = stored.author
    this.date = new Date(stored.date)
    this.message = stored.message
    this.extra = stored.extra
    this.#stored = stored
    this.#storage = storage
  }

  tree(): Tree {
    const { tree, epoch } = this.#stored
    return new StoredTree({ storage: this.#storage, root: tree, epoch })
  }
}
