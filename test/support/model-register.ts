import type { Commit, Hash, TreeEdit } from '@varve/store'
import { expect } from 'vitest'
import type { EditOp } from './model-ops.ts'
import type { ModelStore, ModelTree } from './model-store.ts'
import { editModel, editStore } from './model-tree.ts'

/** A commit of the store and what the model knows it by. */
export interface KnownCommit {
  readonly hash: Hash<'commit'>
  readonly treeHash: Hash<'tree'>
  readonly key: string
  /** The key of its tree. */
  readonly root: string
  readonly tree: ModelTree
}

export interface BaseTree {
  readonly tree: ModelTree
  /** Its key; `undefined`: nothing has to be there for it. */
  readonly root: string | undefined
}

export interface Edited {
  readonly tree: ModelTree
  readonly root: string
  /** Keys of all that must be there for it to be written. */
  readonly needs: readonly string[]
}

/** Which object of the store is which of the model, for all that there have ever been. */
export class ModelRegister {
  readonly #model: ModelStore
  readonly #commits: KnownCommit[] = []
  readonly #treeHashes = new Map<string, Hash<'tree'>>()
  readonly #treeKeys = new Map<string, string>()

  constructor(model: ModelStore) {
    this.#model = model
  }

  get commits(): readonly KnownCommit[] {
    return this.#commits
  }

  /** Root trees: key and hash. */
  get trees(): ReadonlyMap<string, Hash<'tree'>> {
    return this.#treeHashes
  }

  /** Counted back from the latest one, modulo how many there are. */
  commitOf(number: number): KnownCommit | undefined {
    const count = this.#commits.length
    return count === 0 ? undefined : this.#commits[count - 1 - (number % count)]
  }

  byKey(key: string | undefined): KnownCommit | undefined {
    return this.#commits.find((commit) => commit.key === key)
  }

  /** What edits make of a tree. */
  edited(base: BaseTree, edits: readonly EditOp[]): Edited {
    const edited = editModel(base.tree, edits, (number) => this.commitOf(number)?.tree)
    const needs = [
      ...(base.root === undefined ? [] : [base.root]),
      ...edited.named.map((content) => `b:${content}`),
      ...edited.grafted.map((number) => (this.commitOf(number) as KnownCommit).root),
    ]
    return { tree: edited.tree, root: this.#model.addTree(edited.tree), needs }
  }

  /** The same edits with the store's own edit. */
  applyTo(edit: TreeEdit, before: ModelTree, edits: readonly EditOp[]): void {
    editStore(edit, before, edits, (number) => {
      const commit = this.commitOf(number)
      return commit && { model: commit.tree, hash: commit.treeHash }
    })
  }

  learn(commit: Commit, tree: ModelTree, root: string, parents: readonly string[]): KnownCommit {
    this.expectTree(root, commit.treeHash, tree)
    const key = this.#model.addCommit(commit.hash, root, parents)
    const known = this.byKey(key)
    if (known !== undefined) return known
    const made = { hash: commit.hash, treeHash: commit.treeHash, key, root, tree }
    this.#commits.push(made)
    return made
  }

  /** Equal content has equal hashes, other content others, however it came about. */
  expectTree(root: string, hash: Hash<'tree'>, tree: ModelTree): void {
    expect(this.#treeHashes.get(root) ?? hash, [...tree.keys()].join(' ')).toBe(hash)
    expect(this.#treeKeys.get(hash) ?? root).toBe(root)
    this.#treeHashes.set(root, hash)
    this.#treeKeys.set(hash, root)
  }
}
