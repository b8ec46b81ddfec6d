/**
 * Which commits of a store came from Git. An import writes Git's id into `extra`; programs copy `extra` from
 * commit to commit, so the id alone proves nothing: `git:proof` binds it to the tree that it was written
 * with.
 */
import { hash } from 'node:crypto'
import { Float64List } from '@varve/pack/base'
import { hexToRaw, type RawHash } from '@varve/pack/objects'
import {
  type CommitFields,
  gitExtra,
  gitId,
  type IdSize,
  idSizeOf,
  isGitId,
  rebuildCommit,
} from '../git/index.ts'
import { type IdIndex, IdMap, idState } from './conversion/id-map.ts'

/** What an import has to see of a commit in the store. */
export interface StoredCommit {
  /** Hex. */
  readonly hash: string
  readonly treeHash: string
  readonly parents: readonly string[]
  readonly author: string
  readonly date: Date
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

export interface KnownCommit {
  readonly id: string
  /** Hex, in the store. */
  readonly hash: string
  /** Git's tree cannot be computed from the store's. */
  readonly isOdd: boolean
}

export interface KnownHistory {
  /**
   * Commits that are in the store together with all that Git has before them, or with what a collection left
   * of it. The import goes on in this map.
   */
  readonly ids: IdMap
  /** What is found at a place below this was there before the import. */
  readonly end: IdIndex
  /** Git ids of known commits of which no child is known: leaving these out leaves out all. */
  readonly tips: readonly string[]
}

const PROOF_CHARS = 32

/** Binds a Git id to the hash of the tree that was made from it. */
export function proofOf(id: string, treeHash: string): string {
  return hash('sha256', `${id} ${treeHash}`, 'hex').slice(0, PROOF_CHARS)
}

/**
 * @param log every commit before its parents
 * @param idSize of the ids of the repository: what came from one of the other kind is of no use to it
 */
export async function knownHistory(log: AsyncIterable<StoredCommit>, idSize: IdSize): Promise<KnownHistory> {
  const listed = new ListedCommits(idSize)
  for await (const commit of log) listed.add(commit)
  return listed.known()
}

/** The commit that has this Git id; `undefined` when it is not one of these. */
export function knownCommit({ ids, end }: KnownHistory, id: string): KnownCommit | undefined {
  const index = ids.findHex(id)
  if (index < 0 || index >= end || ids.state(index) !== idState.commit) return undefined
  return { id, hash: ids.commitHash(index), isOdd: ids.isOdd(index) }
}

/** The Git id of a commit that an import wrote; `undefined` for any other, also one with a copied `extra`. */
export function importedId(commit: StoredCommit): string | undefined {
  const id = commit.extra[gitExtra.id]
  if (id === undefined || !isGitId(id)) return undefined
  return commit.extra[gitExtra.proof] === proofOf(id, commit.treeHash) ? id : undefined
}

/** The id that Git has for a commit of the store, given Git's id of its tree. */
export function gitCommitId(commit: StoredCommit, tree: string): string {
  const { author, message, extra } = commit
  const fields: CommitFields = { author, dateMs: commit.date.getTime(), message, extra }
  return gitId('commit', rebuildCommit({ ...fields, tree: extra[gitExtra.tree] ?? tree }), idSizeOf(tree))
}

/** What the listed commits say of themselves, in columns: there may be a million of them. */
class ListedCommits {
  readonly #idSize: IdSize
  /** Listed ones are `waiting`, commits that are only named as parents `unseen`. */
  readonly #ids: IdMap
  /** By row, in the order of the log: the place of the id. */
  readonly #places = new Float64List()
  readonly #hashes: RawHash[] = []
  /** By row: where its parents end in the list of all parents. */
  readonly #parentEnds = new Float64List()
  readonly #parents = new Float64List()
  readonly #cutRows = new Set<number>()
  readonly #oddRows = new Set<number>()

  constructor(idSize: IdSize) {
    this.#idSize = idSize
    this.#ids = new IdMap(idSize)
  }

  add(commit: StoredCommit): void {
    const id = importedId(commit)
    if (id === undefined || idSizeOf(id) !== this.#idSize) return
    const row = this.#places.length
    this.#places.push(this.#ids.addHex(id, idState.waiting))
    this.#hashes.push(hexToRaw(commit.hash))
    const parents = commit.extra[gitExtra.parents]?.split(' ') ?? []
    for (const parent of parents) {
      if (isGitId(parent) && idSizeOf(parent) === this.#idSize) this.#parents.push(this.#placeOf(parent))
    }
    this.#parentEnds.push(this.#parents.length)
    // An import that had to leave a parent out (a shallow clone, a missing object) may find it the next time.
    if (parents.length !== commit.parents.length) this.#cutRows.add(row)
    if (commit.extra[gitExtra.tree] !== undefined) this.#oddRows.add(row)
  }

  /** Proves them from the oldest on: a commit is known when all of its listed parents are. */
  known(): KnownHistory {
    const ids = this.#ids
    const tips = new Set<IdIndex>()
    for (let row = this.#places.length - 1; row >= 0; row--) {
      const parents = this.#parentsOf(row)
      const isWhole = !this.#cutRows.has(row) && parents.every((at) => ids.state(at) !== idState.waiting)
      if (!isWhole) continue
      const place = this.#places.at(row)
      ids.setCommit(place, this.#hashes[row]!, this.#oddRows.has(row))
      tips.add(place)
      for (const parent of parents) tips.delete(parent)
    }
    for (const place of this.#places) {
      if (ids.state(place) === idState.waiting) ids.setState(place, idState.unseen)
    }
    return { ids, end: ids.count, tips: [...tips].map((place) => ids.id(place)) }
  }

  #parentsOf(row: number): Float64Array {
    const start = row === 0 ? 0 : this.#parentEnds.at(row - 1)
    return this.#parents.view().subarray(start, this.#parentEnds.at(row))
  }

  #placeOf(parent: string): IdIndex {
    const found = this.#ids.findHex(parent)
    return found >= 0 ? found : this.#ids.addHex(parent, idState.unseen)
  }
}
