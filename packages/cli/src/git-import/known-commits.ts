/**
 * Which commits of a store came from Git. An import writes Git's id into `extra`; programs copy `extra` from
 * commit to commit, so the id alone proves nothing: `git:proof` binds it to the tree that it was written
 * with.
 */
import { hash } from 'node:crypto'
import { type CommitFields, gitExtra, gitId, idSizeOf, isGitId, rebuildCommit } from '../git/index.ts'

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
   * By Git id: commits that are in the store together with all that Git has before them, or with what a
   * collection left of it.
   */
  readonly commits: ReadonlyMap<string, KnownCommit>
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
 */
export async function knownHistory(log: AsyncIterable<StoredCommit>): Promise<KnownHistory> {
  const found: { known: KnownCommit; gitParents: readonly string[]; parentCount: number }[] = []
  for await (const commit of log) {
    const id = importedId(commit)
    if (id === undefined) continue
    const gitParents = commit.extra[gitExtra.parents]?.split(' ') ?? []
    const known = { id, hash: commit.hash, isOdd: commit.extra[gitExtra.tree] !== undefined }
    found.push({ known, gitParents, parentCount: commit.parents.length })
  }
  const commits = new Map<string, KnownCommit>()
  const whole = new Set<string>()
  const isFound = new Set(found.map(({ known }) => known.id))
  const tips = new Set<string>()
  for (const { known, gitParents, parentCount } of found.reverse()) {
    // An import that had to leave a parent out (a shallow clone, a missing object) may find it the next time.
    const isWhole =
      parentCount === gitParents.length && gitParents.every((id) => whole.has(id) || !isFound.has(id))
    if (!isWhole) continue
    whole.add(known.id)
    commits.set(known.id, known)
    tips.add(known.id)
    for (const id of gitParents) tips.delete(id)
  }
  return { commits, tips: [...tips] }
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
